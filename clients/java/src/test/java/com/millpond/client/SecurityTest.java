package com.millpond.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.millpond.v1.ErrorReason;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SecurityTest {
  @Test
  void aTokenIsReadAgainWhenItsFileChanges(@TempDir Path folder) throws Exception {
    Path file = Files.writeString(folder.resolve("token"), "wrong\n");
    try (var client = Service.secure(Service.TLS_ENDPOINT).tokenFile(file).build()) {
      var error = assertThrows(MillpondException.class, () -> client.get("live", "key"));
      assertEquals(ErrorReason.ERROR_REASON_UNAUTHENTICATED, error.reason());
      Files.copy(Service.TOKEN, file, StandardCopyOption.REPLACE_EXISTING);
      Service.eventually(() -> client.get("live", "key"));
    }
  }

  @Test
  void aCertificateOfANewAuthorityIsAcceptedWhenTheCaFileHasIt() throws Exception {
    try (Proxy proxy = new Proxy(Service.TLS_ENDPOINT);
        var client =
            Service.secure(proxy.target())
                .certificate(Service.CERTIFICATE, Service.KEY)
                .timeout(Duration.ofSeconds(2))
                .build()) {
      client.get("live", Service.key("before"));
      Service.control("rotate");
      proxy.cut();
      Result after = Service.eventually(() -> client.get("live", Service.key("after")));
      assertInstanceOf(Result.Miss.class, after);
    }
  }
}
