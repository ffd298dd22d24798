package millpond;

import com.millpond.v1.GetRequest;
import com.millpond.v1.GetResponse;
import com.millpond.v1.LookupServiceGrpc;
import io.grpc.CallCredentials;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/** Looks up one key over TLS, with the credentials that the environment names. */
final class Lookup {
  private static final int PATIENCE_SECONDS = 20;

  private Lookup() {}

  static List<String> run(String address, String table, String key) throws IOException {
    ManagedChannel channel = Grpc.newChannelBuilder(address, channelCredentials()).build();
    LookupServiceGrpc.LookupServiceBlockingStub stub =
        LookupServiceGrpc.newBlockingStub(channel)
            .withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS);
    String token = System.getenv("MILLPOND_TOKEN_FILE");
    if (token != null) {
      stub = stub.withCallCredentials(new FileToken(Path.of(token)));
    }
    try {
      GetResponse answer = stub.get(GetRequest.newBuilder().setTable(table).setKey(key).build());
      System.out.println("status: OK");
      return answer.getResult().hasEntry() ? List.of() : List.of("there is no entry");
    } catch (StatusRuntimeException error) {
      Status status = error.getStatus();
      System.out.println("status: " + status.getCode() + " " + status.getDescription());
      return List.of();
    } finally {
      channel.shutdownNow();
    }
  }

  private static ChannelCredentials channelCredentials() throws IOException {
    TlsChannelCredentials.Builder credentials =
        TlsChannelCredentials.newBuilder().trustManager(new File(System.getenv("MILLPOND_CA")));
    String certificate = System.getenv("MILLPOND_CERTIFICATE");
    if (certificate != null) {
      credentials.keyManager(new File(certificate), new File(System.getenv("MILLPOND_KEY")));
    }
    return credentials.build();
  }

  /** A token that is read from its file for each call, since it changes there. */
  private static final class FileToken extends CallCredentials {
    private static final Metadata.Key<String> AUTHORIZATION =
        Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    private final Path file;

    FileToken(Path file) {
      this.file = file;
    }

    @Override
    public void applyRequestMetadata(RequestInfo call, Executor executor, MetadataApplier applier) {
      executor.execute(
          () -> {
            try {
              Metadata headers = new Metadata();
              headers.put(AUTHORIZATION, "Bearer " + Files.readString(file).trim());
              applier.apply(headers);
            } catch (IOException error) {
              applier.fail(Status.UNAUTHENTICATED.withCause(error));
            }
          });
    }
  }
}
