package com.millpond.client;

import com.google.gson.Gson;
import io.grpc.CallCredentials;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannelBuilder;
import io.grpc.TlsChannelCredentials;
import io.grpc.util.AdvancedTlsX509KeyManager;
import io.grpc.util.AdvancedTlsX509TrustManager;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** How a client connects. The files of certificates are read again every ten seconds. */
public final class ClientBuilder {
  private static final System.Logger LOG = System.getLogger(ClientBuilder.class.getName());
  private static final Duration TIMEOUT = Duration.ofSeconds(5);
  private static final long FILES_ARE_READ_AGAIN_AFTER_SECONDS = 10;
  // So that a stream notices when its peer is gone.
  private static final long KEEPALIVE_SECONDS = 20;
  private static final long KEEPALIVE_TIMEOUT_SECONDS = 10;

  private final List<String> targets;
  private boolean hasTls;
  private Path ca;
  private Path certificate;
  private Path key;
  private String serverName;
  private Path tokenFile;
  private Duration timeout = TIMEOUT;
  private Map<String, ?> serviceConfig;
  private Consumer<ManagedChannelBuilder<?>> channelOptions = channel -> {};

  ClientBuilder(List<String> targets) {
    if (targets.isEmpty()) {
      throw new IllegalArgumentException("there is no target");
    }
    this.targets = targets;
  }

  /** Connects with TLS. So does every method that only makes sense with TLS. */
  public ClientBuilder tls() {
    hasTls = true;
    return this;
  }

  /** Trusts the CAs of this PEM file, and not those of the system. */
  public ClientBuilder ca(Path file) {
    ca = file;
    return tls();
  }

  /** Shows the service this certificate, with its chain. Both files are PEM. */
  public ClientBuilder certificate(Path chain, Path key) {
    this.certificate = chain;
    this.key = key;
    return tls();
  }

  /** Expects this name in the service's certificate, and not the host of the target. */
  public ClientBuilder serverName(String name) {
    serverName = name;
    return tls();
  }

  /** Sends the bearer token of this file, which is read again when it changes. It needs TLS. */
  public ClientBuilder tokenFile(Path file) {
    tokenFile = file;
    return this;
  }

  /** The deadline of a call whose options have none: 5 seconds. A scan or a watch has none. */
  public ClientBuilder timeout(Duration timeout) {
    this.timeout = timeout;
    return this;
  }

  /** Takes this gRPC service configuration instead of {@link #defaultServiceConfig}. */
  public ClientBuilder serviceConfig(Map<String, ?> configuration) {
    serviceConfig = configuration;
    return this;
  }

  /** Sets what else gRPC offers, such as interceptors. */
  public ClientBuilder channelOptions(Consumer<ManagedChannelBuilder<?>> options) {
    channelOptions = options;
    return this;
  }

  /** The service configuration of this package: clients/service-config.json of millpond. */
  @SuppressWarnings("unchecked")
  public static Map<String, ?> defaultServiceConfig() {
    var file = ClientBuilder.class.getResourceAsStream("service-config.json");
    try (Reader reader = new InputStreamReader(file, StandardCharsets.UTF_8)) {
      return new Gson().fromJson(reader, Map.class);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  /**
   * Creates the client, which connects at its first call.
   *
   * @throws UncheckedIOException if a file cannot be read
   * @throws IllegalArgumentException if the options do not fit together, or a file has no certificate
   *     or no key
   */
  public MillpondClient build() {
    if (tokenFile != null && !hasTls) {
      throw new IllegalArgumentException("a token is sent over TLS alone: call tls()");
    }
    ScheduledExecutorService timer = timer();
    try {
      CallCredentials token = tokenFile == null ? null : new FileToken(tokenFile);
      var channel = Grpc.newChannelBuilder(target(), credentials(timer));
      channel
          .defaultServiceConfig(serviceConfig == null ? defaultServiceConfig() : serviceConfig)
          .keepAliveTime(KEEPALIVE_SECONDS, TimeUnit.SECONDS)
          .keepAliveTimeout(KEEPALIVE_TIMEOUT_SECONDS, TimeUnit.SECONDS);
      if (serverName != null) {
        channel.overrideAuthority(serverName);
      }
      channelOptions.accept(channel);
      return new MillpondClient(new Calls(channel.build(), token, timeout, timer));
    } catch (IOException error) {
      timer.shutdownNow();
      throw new UncheckedIOException(error);
    } catch (GeneralSecurityException error) {
      timer.shutdownNow();
      throw new IllegalArgumentException(error);
    }
  }

  private String target() {
    return targets.size() == 1 ? targets.get(0) : Addresses.target(targets);
  }

  private ChannelCredentials credentials(ScheduledExecutorService timer)
      throws IOException, GeneralSecurityException {
    if (!hasTls) {
      return InsecureChannelCredentials.create();
    }
    var credentials = TlsChannelCredentials.newBuilder();
    if (ca != null) {
      var trust = AdvancedTlsX509TrustManager.newBuilder().build();
      readAgainAndAgain(() -> trust.updateTrustCredentials(ca.toFile()), timer);
      credentials.trustManager(trust);
    }
    if (certificate != null) {
      var identity = new AdvancedTlsX509KeyManager();
      readAgainAndAgain(
          () -> identity.updateIdentityCredentials(certificate.toFile(), key.toFile()), timer);
      credentials.keyManager(identity);
    }
    return credentials.build();
  }

  /** Reads files. Those that cannot be read later are replaced by nothing: the former stay in use. */
  private static void readAgainAndAgain(Reading reading, ScheduledExecutorService timer)
      throws IOException, GeneralSecurityException {
    reading.run();
    // gRPC can do this too, but not more often than once a minute.
    timer.scheduleWithFixedDelay(
        () -> {
          try {
            reading.run();
          } catch (IOException | GeneralSecurityException error) {
            LOG.log(System.Logger.Level.WARNING, "a file of TLS is not used", error);
          }
        },
        FILES_ARE_READ_AGAIN_AFTER_SECONDS,
        FILES_ARE_READ_AGAIN_AFTER_SECONDS,
        TimeUnit.SECONDS);
  }

  private interface Reading {
    void run() throws IOException, GeneralSecurityException;
  }

  private static ScheduledExecutorService timer() {
    return Executors.newSingleThreadScheduledExecutor(
        task -> {
          Thread thread = new Thread(task, "millpond-client");
          thread.setDaemon(true);
          return thread;
        });
  }
}
