//! What all that is sent says of its process.

use crate::config;

use super::messages::{KeyValue, Resource, Scope};

/// Where spans and metrics come from.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) resource: Resource,
    /// The names of the tables, in the order of the configuration.
    pub(super) tables: Vec<String>,
}

impl Origin {
    pub(super) fn new(config: &config::Otlp, tables: Vec<String>) -> Self {
        let own = [
            ("service.name", config.service_name.clone()),
            ("service.version", env!("CARGO_PKG_VERSION").to_owned()),
            ("service.instance.id", instance()),
        ];
        let configured = config.attributes.iter().map(|(name, value)| KeyValue::text(name, value));
        // Each name once: whoever configures the instance knows better.
        let own = own.into_iter().filter(|(name, _)| !config.attributes.contains_key(*name));
        let own = own.map(|(name, value)| KeyValue::text(name, value));
        Self { resource: Resource { attributes: own.chain(configured).collect() }, tables }
    }
}

/// What made the spans and metrics.
pub(super) fn scope() -> Scope {
    Scope { name: "millpond".into(), version: env!("CARGO_PKG_VERSION").into() }
}

/// A random UUID, so that the metrics of two processes are told apart.
fn instance() -> String {
    let random = fastrand::u128(..) & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let digits = format!("{random:032x}");
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn an_instance_is_random_unless_it_is_configured() {
        let of = |settings: &[&str]| {
            let basics = [
                "kafka.brokers=localhost:9092",
                "tables.0.name=a",
                "tables.0.topic=a",
                "tables.0.key=/id",
                "tables.0.fields.a=/a",
                "tables.0.ttl=1h",
                "otlp.endpoint=http://localhost:4317",
            ];
            let settings: Vec<_> = basics.iter().chain(settings).map(ToString::to_string).collect();
            let config = Config::load(None, [], &settings).unwrap().otlp.unwrap();
            let attributes = Origin::new(&config, Vec::new()).resource.attributes;
            let instance = attributes.iter().filter(|it| it.key == "service.instance.id");
            let found: Vec<_> = instance.map(|it| it.value.clone().unwrap()).collect();
            assert_eq!(found.len(), 1, "{attributes:?}");
            found[0].string_value.clone().unwrap()
        };
        let [one, other] = [of(&[]), of(&[])];
        assert!(one != other && one.len() == 36 && &one[14..15] == "4", "{one}");
        assert_eq!(of(&["otlp.attributes.service.instance.id=pod-7"]), "pod-7");
    }
}
