//! Generates the server side of the protocol.
//!
//! The crate `millpond-client` compiles the protocol and generates its messages. Two requests are
//! types of `src/rpc` instead, which do not allocate for each key.

use std::error::Error;
use std::fs;

use prost::Message;
use prost_types::FileDescriptorSet;

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::var("DEP_MILLPOND_PROTOCOL_DESCRIPTORS")?;
    println!("cargo::rerun-if-changed={file}");
    let descriptors = FileDescriptorSet::decode(fs::read(file)?.as_slice())?;
    tonic_prost_build::configure()
        .build_client(false)
        .extern_path(".millpond.v1", "::millpond_client::v1")
        .extern_path(".millpond.v1.GetRequest", "crate::rpc::GetRequest")
        .extern_path(".millpond.v1.BatchGetRequest", "crate::rpc::BatchGetRequest")
        .codec_path("crate::rpc::ResponseCodec")
        .compile_fds(descriptors)?;
    Ok(())
}
