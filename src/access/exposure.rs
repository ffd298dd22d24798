//! What a configuration opens to the network, in words for its operator.

use std::net::SocketAddr;

use crate::config::Config;

const NO_POLICY: &str = "there is no [[rpc.allow]]: whoever reaches rpc.listen may look up keys and list tables; \
     statistics, maintenance and reflection are for peers on loopback";

/// What an operator should know of the ports.
#[derive(Debug)]
pub struct Exposure {
    /// That there is no policy, if there is none.
    pub no_policy: Option<&'static str>,
    /// The ports beyond loopback without TLS.
    pub plaintext: Vec<String>,
}

impl Exposure {
    /// What this configuration opens.
    pub fn of(config: &Config) -> Self {
        let no_policy = config.rpc.access.allow.is_empty().then_some(NO_POLICY);
        let (rpc, admin) = (&config.rpc, &config.admin);
        let ports = [
            ("rpc", rpc.listen, rpc.tls.is_some(), "keys, fields and tokens"),
            ("admin", admin.listen, admin.tls.is_some(), "what operators read"),
        ];
        let open = ports.into_iter().filter(|(_, listen, has_tls, _)| !has_tls && is_open(*listen));
        let text = |(section, listen, _, what): (&str, SocketAddr, bool, &str)| {
            format!(
                "{section}.listen is {listen}, beyond loopback and without TLS: {what} can be read \
                 on the way; set [{section}.tls], or listen on loopback"
            )
        };
        Self { no_policy, plaintext: open.map(text).collect() }
    }

    /// A line for each of it. There is none if there is nothing to say.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.no_policy.into_iter().chain(self.plaintext.iter().map(String::as_str))
    }
}

fn is_open(listen: SocketAddr) -> bool {
    !listen.ip().to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::tests::load;

    fn lines(settings: &[&str]) -> Vec<String> {
        Exposure::of(&load(settings)).lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_port_without_tls_beyond_loopback_is_told_of() {
        let admin = "admin.listen=127.0.0.1:1";
        let open = lines(&["rpc.listen=0.0.0.0:2", admin]);
        assert_eq!(open[0], NO_POLICY);
        assert!(open[1].starts_with("rpc.listen is 0.0.0.0:2, beyond loopback"), "{open:?}");
        assert_eq!(lines(&["rpc.listen=[::ffff:127.0.0.1]:2", admin]), [NO_POLICY]);
    }

    #[test]
    fn nothing_is_told_of_loopback_with_a_policy() {
        let closed = [
            "rpc.listen=127.0.0.1:2",
            "admin.listen=[::1]:1",
            "rpc.allow.0.who=anonymous",
            "rpc.allow.0.methods=Get",
            "rpc.allow.0.tables=*",
        ];
        assert_eq!(lines(&closed), [""; 0]);
    }
}
