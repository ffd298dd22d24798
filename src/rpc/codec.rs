//! How a message becomes bytes where tonic makes them of it, as of the statistics: in a buffer
//! of just its size, made when it is sent. What is large is written another way.
//!
//! tonic's own way begins with a buffer for each call and doubles it until the answer
//! fits, so that an answer could hold twice what it is. Requests are read tonic's way.

use std::marker::PhantomData;

use prost::Message;
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, EncodeBuf, Encoder};
use tonic_prost::ProstCodec;

/// From this size on tonic hands on what is encoded; its own default.
const YIELD_BYTES: usize = 32 << 10;

/// Encodes answers and decodes requests.
#[derive(Debug)]
pub(crate) struct AnswerCodec<T, U>(PhantomData<(T, U)>);

/// Encodes answers.
#[derive(Debug)]
pub(crate) struct AnswerEncoder<T>(PhantomData<T>);

impl<T, U> Default for AnswerCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for AnswerCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = AnswerEncoder<T>;
    type Decoder = <ProstCodec<T, U> as Codec>::Decoder;

    fn encoder(&mut self) -> Self::Encoder {
        AnswerEncoder(PhantomData)
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstCodec::<T, U>::default().decoder()
    }
}

impl<T: Message> Encoder for AnswerEncoder<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, answer: T, buf: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buf.reserve(answer.encoded_len());
        answer.encode(buf).map_err(|error| Status::internal(error.to_string()))
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
    async fn an_answer_takes_a_buffer_of_its_own_size() {
        // In many small parts, as those of an answer are: a buffer that doubles overshoots.
        let answer = BatchGetRequest {
            table: String::new(),
            keys: vec!["x".repeat(1_000); 2_200],
            ..Default::default()
        };
        let bytes = answer.encoded_len();
        let source = tokio_stream::once(Ok(answer));
        let (encoder, plain) =
            (AnswerEncoder(PhantomData), SingleMessageCompressionOverride::default());
        let mut body = Box::pin(EncodeBody::new_server(encoder, source, None, plain, None));
        let frame = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await;
        let data = frame.unwrap().unwrap().into_data().unwrap();
        drop(body);
        let buffer = data.try_into_mut().unwrap();
        assert!(buffer.capacity() < bytes + 64, "{} for {bytes} bytes", buffer.capacity());
    }
}
