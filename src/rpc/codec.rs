//! Encodes the responses that are messages, such as statistics, into buffers of their exact size.
//!
//! tonic's own codec begins with a buffer for each call and doubles it until the response fits,
//! so a response could hold twice its size. Requests are decoded by tonic's own codec.
//! Responses of lookups do not come by here: `response.rs` writes and sends those.

use std::marker::PhantomData;

use prost::Message;
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, EncodeBuf, Encoder};
use tonic_prost::ProstCodec;

/// tonic passes encoded bytes on from this size; its own default.
const YIELD_BYTES: usize = 32 << 10;

/// Encodes responses and decodes requests.
#[derive(Debug)]
pub(crate) struct ResponseCodec<T, U>(PhantomData<(T, U)>);

/// Encodes responses.
#[derive(Debug)]
pub(crate) struct ResponseEncoder<T>(PhantomData<T>);

impl<T, U> Default for ResponseCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for ResponseCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ResponseEncoder<T>;
    type Decoder = <ProstCodec<T, U> as Codec>::Decoder;

    fn encoder(&mut self) -> Self::Encoder {
        ResponseEncoder(PhantomData)
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstCodec::<T, U>::default().decoder()
    }
}

impl<T: Message> Encoder for ResponseEncoder<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, response: T, buf: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buf.reserve(response.encoded_len());
        response.encode(buf).map_err(|error| Status::internal(error.to_string()))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(0, YIELD_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use http_body::Body;
    use tonic::codec::{EncodeBody, SingleMessageCompressionOverride};

    use super::*;
    use crate::proto::v1::BatchGetRequest;

    #[tokio::test]
    async fn a_response_takes_a_buffer_of_its_exact_size() {
        // Many small parts, as a response has: a buffer that doubles would be too large.
        let response = BatchGetRequest {
            table: String::new(),
            keys: vec!["x".repeat(1_000); 2_200],
            ..Default::default()
        };
        let bytes = response.encoded_len();
        let source = tokio_stream::once(Ok(response));
        let (encoder, plain) =
            (ResponseEncoder(PhantomData), SingleMessageCompressionOverride::default());
        let mut body = Box::pin(EncodeBody::new_server(encoder, source, None, plain, None));
        let frame = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await;
        let data = frame.unwrap().unwrap().into_data().unwrap();
        drop(body);
        let buffer = data.try_into_mut().unwrap();
        assert!(buffer.capacity() < bytes + 64, "{} for {bytes} bytes", buffer.capacity());
    }
}
