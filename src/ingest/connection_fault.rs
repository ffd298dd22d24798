//! Why a connection to a broker failed: librdkafka's own words, and the setting to look at.
//!
//! librdkafka names the broker and then the reason, in its log (`FAIL`) and with its errors. Little
//! of the reason is parsed, and it is shown as it is. This file must not know Kafka's client.

/// A connection that failed, or was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ConnectionFault {
    /// The broker's address, as `host:port`.
    pub(super) address: String,
    /// librdkafka's reason.
    pub(super) reason: String,
    pub(super) cause: Cause,
    /// Whether the address is one of `kafka.brokers`, and not one that a broker has named.
    is_configured: bool,
}

/// What a fault is about, as far as its reason says. Faults of one cause are logged together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The host's name has no address.
    Name,
    /// Nothing accepts the connection.
    Address,
    /// One side speaks TLS or SASL, and the other does not.
    Protocol,
    /// The broker's certificate is not trusted.
    Certificate,
    /// The broker does not accept our certificate, or asks for one.
    ClientCertificate,
    /// TLS fails for another reason.
    Tls,
    Mechanism,
    Token,
    Credentials,
    /// What answers does not speak Kafka's protocol.
    NotKafka,
    /// The broker does not answer requests in time.
    Silence,
    /// The other side closed a connection that had worked.
    Closed,
    Other,
}

/// Parts of librdkafka's reasons. The first that is found decides.
const CAUSES: [(&str, Cause); 26] = [
    ("Failed to resolve", Cause::Name),
    ("Connect to", Cause::Address),
    ("Connection setup timed out in state CONNECT", Cause::Address),
    ("security.protocol", Cause::Protocol),
    ("PLAINTEXT broker listener", Cause::Protocol),
    ("wrong version number", Cause::Protocol),
    ("packet length too long", Cause::Protocol),
    ("current SASL state", Cause::Protocol),
    ("client SSL authentication", Cause::ClientCertificate),
    ("certificate required", Cause::ClientCertificate),
    ("alert bad certificate", Cause::ClientCertificate),
    ("alert unknown ca", Cause::ClientCertificate),
    ("alert certificate", Cause::ClientCertificate),
    ("certificate", Cause::Certificate),
    ("SSL handshake", Cause::Tls),
    ("mechanism handshake failed", Cause::Mechanism),
    ("OAUTHBEARER", Cause::Token),
    ("SASL authentication", Cause::Credentials),
    ("Authentication failed", Cause::Credentials),
    ("SCRAM", Cause::Credentials),
    ("Invalid response size", Cause::NotKafka),
    ("ApiVersion", Cause::NotKafka),
    ("Protocol parse failure", Cause::NotKafka),
    ("Connection setup timed out", Cause::NotKafka),
    ("timed out", Cause::Silence),
    ("Timed out", Cause::Silence),
];

impl ConnectionFault {
    /// The fault that a text of librdkafka is about: `BROKER: REASON`. None where it names no
    /// broker.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (broker, reason) = without_thread(text).split_once(": ")?;
        let (address, id) = without_scheme(broker).rsplit_once('/')?;
        Some(Self {
            address: address.into(),
            reason: reason.into(),
            cause: Cause::of(reason),
            is_configured: id == "bootstrap",
        })
    }

    /// Whether the other side closed the connection, and the settings are not to blame: the client
    /// repairs that by itself. A broker that misses TLS or SASL closes one too, soon after it was
    /// established, but then no broker has ever named the cluster's brokers.
    pub(super) fn is_repaired(&self, has_named_brokers: bool) -> bool {
        self.cause == Cause::Closed || (is_closed(&self.reason) && has_named_brokers)
    }

    /// What to look at.
    pub(super) fn look_at(&self) -> &'static str {
        match self.cause {
            Cause::Name | Cause::Address if !self.is_configured => {
                "advertised.listeners of the broker: it names this address, and it must be one \
                 that millpond can reach"
            }
            Cause::Name => "kafka.brokers: the name of the host, and DNS",
            Cause::Address => "kafka.brokers: the host and the port, and whether Kafka is up",
            Cause::Protocol => {
                "kafka.properties.\"security.protocol\", and the port in kafka.brokers"
            }
            Cause::Certificate => {
                "kafka.properties.\"ssl.ca.location\"; the certificate's dates and names, one of which \
                 must be the host in kafka.brokers"
            }
            Cause::ClientCertificate => {
                "kafka.properties.\"ssl.certificate.location\" and \"ssl.key.location\", and what \
                 these files hold: they are read again when they change"
            }
            Cause::Tls => "kafka.properties.\"security.protocol\" and \"ssl.*\"",
            Cause::Mechanism => "kafka.properties.\"sasl.mechanism\"",
            Cause::Token => "kafka.properties.\"sasl.oauthbearer.*\"",
            Cause::Credentials => {
                "kafka.properties.\"sasl.username\" and \"sasl.password\", or their files under \
                 kafka.secrets"
            }
            Cause::NotKafka => {
                "kafka.brokers: whether this port is Kafka's; kafka.properties.\"security.protocol\""
            }
            Cause::Silence | Cause::Closed => "whether this broker is up, and the network",
            Cause::Other => "kafka.brokers and kafka.properties",
        }
    }
}

impl Cause {
    fn of(reason: &str) -> Self {
        let known = CAUSES.iter().find(|(part, _)| reason.contains(part));
        match known {
            Some((_, cause)) => *cause,
            None if is_closed(reason) && has_worked(reason) => Self::Closed,
            // A listener that expects TLS or SASL closes a connection that begins otherwise.
            None if is_closed(reason) => Self::Protocol,
            None => Self::Other,
        }
    }
}

fn is_closed(reason: &str) -> bool {
    ["Disconnected", "Connection reset by peer", "Broken pipe"]
        .iter()
        .any(|part| reason.contains(part))
}

/// Whether the connection was established, and for longer than a broker takes to close one on which
/// it misses SASL. A reason ends with `(after 61000ms in state UP)`.
fn has_worked(reason: &str) -> bool {
    const MISSED_WITHIN_MS: u64 = 1_000;
    let Some((head, _)) = reason.rsplit_once("ms in state UP") else { return false };
    let (_, age) = head.rsplit_once("(after ").unwrap_or_default();
    age.parse::<u64>().is_ok_and(|age| age > MISSED_WITHIN_MS)
}

/// Without the name of librdkafka's thread, which its log begins with.
fn without_thread(text: &str) -> &str {
    let rest = text.strip_prefix("[thrd:").and_then(|rest| rest.split_once("]: "));
    rest.map_or(text, |(_, rest)| rest)
}

fn without_scheme(broker: &str) -> &str {
    broker.split_once("://").map_or(broker, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> ConnectionFault {
        ConnectionFault::parse(text).unwrap()
    }

    #[test]
    fn the_broker_and_the_reason_are_told_apart() {
        for text in [
            "sasl_ssl://kafka-1:9093/bootstrap: SASL authentication error: no (after 3ms in state AUTH_REQ)",
            "[thrd:sasl_ssl://kafka-1:9093/bootstrap]: sasl_ssl://kafka-1:9093/bootstrap: SASL \
             authentication error: no (after 3ms in state AUTH_REQ)",
        ] {
            let fault = parse(text);
            assert_eq!(fault.address, "kafka-1:9093");
            assert_eq!(fault.reason, "SASL authentication error: no (after 3ms in state AUTH_REQ)");
            assert_eq!(fault.cause, Cause::Credentials);
        }
        assert_eq!(
            parse("[::1]:9092/1: Connect to ipv6#[::1]:9092 failed: no").address,
            "[::1]:9092"
        );
        for text in ["", "3/3 brokers are down", "GroupCoordinator: a:1: Disconnected", "a/b"] {
            assert_eq!(ConnectionFault::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_address_that_a_broker_has_named_is_the_brokers_to_put_right() {
        let of =
            |id| parse(&format!("kafka:9092/{id}: Failed to resolve 'kafka:9092': no")).look_at();
        assert!(of("bootstrap").starts_with("kafka.brokers"));
        assert!(of("3").starts_with("advertised.listeners"));
    }

    #[test]
    fn a_connection_that_worked_and_is_closed_is_no_fault_of_the_settings() {
        let is_lost = |reason: &str| parse(&format!("a:1/1: {reason}")).is_repaired(false);
        assert!(is_lost("Disconnected (after 61000ms in state UP)"));
        assert!(is_lost("Receive failed: Connection reset by peer (after 5000ms in state UP)"));
        assert!(!is_lost("Disconnected (after 2ms in state APIVERSION_QUERY)"));
        let young = "Disconnected (after 20ms in state UP)";
        assert!(!is_lost(young), "it misses SASL");
        assert!(parse(&format!("a:1/1: {young}")).is_repaired(true), "it has answered before");
        assert_eq!(
            parse("a:1/1: Send failed: Broken pipe (after 0ms in state UP)").cause,
            Cause::Protocol
        );
        assert!(!is_lost(
            "Disconnected: verify that security.protocol is correctly configured, broker might \
             require SASL authentication (after 2ms in state UP)"
        ));
        assert!(!is_lost("2 request(s) timed out: disconnect (after 60000ms in state UP)"));
    }
}
