//! Lists the methods of the protocol for `src/rpc/methods.rs`: a method without a handler does not
//! compile. The crate `millpond-client` compiles the protocol.

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

/// The name of each method, and its path in HTTP.
fn methods(descriptors: &FileDescriptorSet) -> Vec<(&str, String)> {
    let own = descriptors.file.iter().filter(|file| file.package() == PACKAGE);
    own.flat_map(|file| &file.service)
        .flat_map(|service| service.method.iter().map(move |method| (service, method)))
        .map(|(service, method)| {
            (method.name(), format!("/{PACKAGE}.{}/{}", service.name(), method.name()))
        })
        .collect()
}

fn source(methods: &[(&str, String)]) -> String {
    let lines = |line: fn(&(&str, String)) -> String| methods.iter().map(line).collect::<String>();
    let variants = lines(|(name, path)| format!("    /// `{path}`\n    {name},\n"));
    let arms = lines(|(name, path)| format!("            {path:?} => Self::{name},\n"));
    format!(
        "/// A method of one of our services.\n\
         #[derive(Debug, Clone, Copy, PartialEq, Eq)]\n\
         pub(super) enum Method {{\n{variants}}}\n\n\
         impl Method {{\n    /// The method at this path.\n    \
         pub(super) fn find(path: &str) -> Option<Self> {{\n        \
         Some(match path {{\n{arms}            _ => return None,\n        }})\n    }}\n}}\n"
    )
}
