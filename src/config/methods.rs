//! The methods that an entry of the policy is for, by the names of methods or of services.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::form::Form;
use crate::proto::Method;

const REFLECTION: &str = "ServerReflection";
const ALL: &str = "*";
/// What somebody might write who wants health to be answered.
const HEALTH: [&str; 3] = ["Health", "Check", "grpc.health.v1.Health"];

/// Some methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowedMethods {
    /// All of them, and reflection.
    All,
    /// Those of the service with this name.
    Service(&'static str),
    /// One.
    Method(Method),
    /// Reflection, in all its versions.
    Reflection,
}

/// The form of [`AllowedMethods`].
pub(super) struct MethodsForm;

impl Form for MethodsForm {
    type Value = AllowedMethods;

    fn wanted(&self) -> String {
        let services: BTreeSet<_> = Method::ALL.into_iter().map(Method::service).collect();
        let methods = Method::ALL.into_iter().map(Method::name);
        let names: Vec<_> = methods.chain(services).chain([REFLECTION]).collect();
        format!("\"{}\" and \"{ALL}\"", names.join("\", \""))
    }

    fn parse(&self, text: &str) -> Result<AllowedMethods, String> {
        text.parse().map_err(str::to_owned)
    }
}

impl AllowedMethods {
    /// Whether a method is among them.
    pub fn covers(self, method: Method) -> bool {
        match self {
            Self::All => true,
            Self::Service(service) => service == method.service(),
            Self::Method(allowed) => allowed == method,
            Self::Reflection => false,
        }
    }

    /// Whether reflection is among them.
    pub fn covers_reflection(self) -> bool {
        matches!(self, Self::All | Self::Reflection)
    }

    /// Whether none of them is about one table.
    pub(super) fn are_of_the_service(self) -> bool {
        let is_of_service =
            |method| matches!(method, Method::GetStats | Method::WatchStats | Method::Reclaim);
        Method::ALL.into_iter().filter(|method| self.covers(*method)).all(is_of_service)
    }
}

impl FromStr for AllowedMethods {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let methods = || Method::ALL.into_iter();
        if text == ALL {
            Ok(Self::All)
        } else if text == REFLECTION {
            Ok(Self::Reflection)
        } else if HEALTH.contains(&text) {
            Err("health is answered to everybody and needs no entry")
        } else if let Some(method) = methods().find(|method| method.name() == text) {
            Ok(Self::Method(method))
        } else {
            let service = methods().map(Method::service).find(|service| *service == text);
            service.map(Self::Service).ok_or("there is no such method and no such service")
        }
    }
}

impl fmt::Display for AllowedMethods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => ALL,
            Self::Service(service) => service,
            Self::Method(method) => method.name(),
            Self::Reflection => REFLECTION,
        })
    }
}

impl Serialize for AllowedMethods {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_and_every_service_can_be_named() {
        let wanted = MethodsForm.wanted();
        for method in Method::ALL {
            let one: AllowedMethods = method.name().parse().unwrap();
            let covered: Vec<_> =
                Method::ALL.into_iter().filter(|each| one.covers(*each)).collect();
            assert_eq!(covered, [method]);
            let service: AllowedMethods = method.service().parse().unwrap();
            assert!(service.covers(method) && !service.covers_reflection());
            assert!(wanted.contains(method.name()) && wanted.contains(method.service()));
        }
        assert!("ServerReflection".parse::<AllowedMethods>().unwrap().covers_reflection());
        assert!("*".parse::<AllowedMethods>().unwrap().covers_reflection());
    }

    #[test]
    fn what_is_no_method_is_refused() {
        for text in ["", "get", "Gets", "Health", "millpond.v1.LookupService"] {
            assert!(text.parse::<AllowedMethods>().is_err(), "{text}");
        }
    }
}
