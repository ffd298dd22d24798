//! Lists the methods of the protocol for `src/proto/method.rs`: a method without a handler does not
//! compile. The crate `millpond-client` compiles the protocol.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use prost::Message;
use prost_types::FileDescriptorSet;

/// The services of this package are millpond's own.
const PACKAGE: &str = "millpond.v1";

fn main() -> Result<(), Box<dyn Error>> {
    let file = env::var("DEP_MILLPOND_PROTOCOL_DESCRIPTORS")?;
    println!("cargo::rerun-if-changed={file}");
    let descriptors = FileDescriptorSet::decode(fs::read(file)?.as_slice())?;
    let generated = PathBuf::from(env::var("OUT_DIR")?).join("methods.rs");
    fs::write(generated, source(&methods(&descriptors)))?;
    Ok(())
}

/// A method: its name, its service, its path in HTTP, and whether it answers with a stream.
struct Method<'a> {
    name: &'a str,
    service: &'a str,
    path: String,
    streams: bool,
}

fn methods(descriptors: &FileDescriptorSet) -> Vec<Method<'_>> {
    let own = descriptors.file.iter().filter(|file| file.package() == PACKAGE);
    own.flat_map(|file| &file.service)
        .flat_map(|service| service.method.iter().map(move |method| (service, method)))
        .map(|(service, method)| Method {
            name: method.name(),
            service: service.name(),
            path: format!("/{PACKAGE}.{}/{}", service.name(), method.name()),
            streams: method.server_streaming(),
        })
        .collect()
}

fn source(methods: &[Method<'_>]) -> String {
    let lines = |line: fn(&Method<'_>) -> String| methods.iter().map(line).collect::<String>();
    let count = methods.len();
    let variants = lines(|method| format!("    /// `{}`\n    {},\n", method.path, method.name));
    let all = lines(|method| format!("        Self::{},\n", method.name));
    let paths =
        lines(|method| format!("            {:?} => Self::{},\n", method.path, method.name));
    let names = lines(|method| format!("            Self::{0} => {0:?},\n", method.name));
    let streams: Vec<_> = methods.iter().map(|method| method.streams).collect();
    let full_services = services(methods, |service| format!("{PACKAGE}.{service}"));
    let services = services(methods, str::to_owned);
    format!(
        "/// A method of one of our services.\n\
         #[derive(Debug, Clone, Copy, PartialEq, Eq)]\n\
         pub enum Method {{\n{variants}}}\n\n\
         impl Method {{\n    \
         /// Every method, in the order of the protocol.\n    \
         pub const ALL: [Self; {count}] = [\n{all}    ];\n\n    \
         /// The method at this path.\n    \
         pub fn find(path: &str) -> Option<Self> {{\n        \
         Some(match path {{\n{paths}            _ => return None,\n        }})\n    }}\n\n    \
         /// Its name, without its service.\n    \
         pub fn name(self) -> &'static str {{\n        match self {{\n{names}        }}\n    }}\n\n    \
         /// The name of its service, without the package.\n    \
         pub fn service(self) -> &'static str {{\n        match self {{\n{services}        }}\n    }}\n\n    \
         /// The full name of its service.\n    \
         pub fn full_service(self) -> &'static str {{\n        match self {{\n{full_services}        }}\n    }}\n\n    \
         /// Whether it answers with a stream of messages.\n    \
         pub fn has_stream(self) -> bool {{\n        {streams:?}[self as usize]\n    }}\n}}\n"
    )
}

/// An arm for each service, with all of its methods, and what is shown of its name.
fn services(methods: &[Method<'_>], show: fn(&str) -> String) -> String {
    let mut by_service = BTreeMap::<_, Vec<_>>::new();
    for method in methods {
        by_service.entry(method.service).or_default().push(format!("Self::{}", method.name));
    }
    let arm = |(service, methods): (&str, Vec<String>)| {
        format!("            {} => {:?},\n", methods.join(" | "), show(service))
    };
    by_service.into_iter().map(arm).collect()
}
