package com.millpond.client;

import io.grpc.EquivalentAddressGroup;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.NameResolverRegistry;
import io.grpc.StatusOr;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.List;

/** Resolves a target of several addresses, for which gRPC for Java has no name. */
final class Addresses extends NameResolverProvider {
  private static final String SCHEME = "millpond";

  static {
    NameResolverRegistry.getDefaultRegistry().register(new Addresses());
  }

  /** The name of the target that has these addresses, each IP:PORT. */
  static String target(List<String> addresses) {
    return SCHEME + ":///" + String.join(",", addresses);
  }

  @Override
  public NameResolver newNameResolver(URI target, NameResolver.Args args) {
    if (!SCHEME.equals(target.getScheme())) {
      return null;
    }
    List<String> addresses = List.of(target.getPath().substring(1).split(","));
    return new NameResolver() {
      @Override
      public String getServiceAuthority() {
        return addresses.get(0);
      }

      @Override
      public void start(Listener2 listener) {
        var groups = addresses.stream().map(Addresses::group).toList();
        listener.onResult(
            ResolutionResult.newBuilder()
                .setAddressesOrError(StatusOr.fromValue(groups))
                .build());
      }

      @Override
      public void shutdown() {}
    };
  }

  private static EquivalentAddressGroup group(String address) {
    URI parts = URI.create("//" + address);
    var socketAddress = new InetSocketAddress(parts.getHost(), parts.getPort());
    return new EquivalentAddressGroup(socketAddress);
  }

  @Override
  public String getDefaultScheme() {
    return SCHEME;
  }

  @Override
  protected boolean isAvailable() {
    return true;
  }

  /** Below that of DNS, which stays what a target without a scheme means. */
  @Override
  protected int priority() {
    return 0;
  }
}
