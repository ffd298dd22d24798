//! Compiles the protocol in pure Rust, so that no protoc has to be installed.
//!
//! It is compiled twice. Callers get plain messages. The server's questions are types of
//! its own, which do not allocate for each key.

use std::error::Error;
use std::path::{Path, PathBuf};

use prost::Message;

const INCLUDE: &str = "proto";
const FILES: [&str; 3] = [
    "proto/millpond/v1/errors.proto",
    "proto/millpond/v1/lookup.proto",
    "proto/millpond/v1/stats.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={INCLUDE}");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let descriptors = protox::compile(FILES, [INCLUDE])?;
    std::fs::write(out.join("millpond.v1.bin"), descriptors.encode_to_vec())?;

    generator(&out, "client")?.build_server(false).compile_fds(descriptors.clone())?;
    generator(&out, "server")?
        .build_client(false)
        .extern_path(".millpond.v1.GetRequest", "crate::rpc::GetRequest")
        .extern_path(".millpond.v1.BatchGetRequest", "crate::rpc::BatchGetRequest")
        .codec_path("crate::rpc::ResponseCodec")
        .compile_fds(descriptors)?;
    Ok(())
}

fn generator(out: &Path, side: &str) -> Result<tonic_prost_build::Builder, Box<dyn Error>> {
    let dir = out.join(side);
    std::fs::create_dir_all(&dir)?;
    Ok(tonic_prost_build::configure().out_dir(dir))
}
