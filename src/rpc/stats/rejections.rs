//! The records that were rejected last: where they stand and why they were.

use tonic::Status;

use crate::proto::server::{
    ListRejectionsRequest, ListRejectionsResponse, Rejection as WireRejection,
};
use crate::rpc::answer::wire_time;
use crate::rpc::request::Tables;
use crate::stats::Rejection;

pub(super) fn list(
    tables: &Tables,
    rejections: Vec<Rejection>,
    request: &ListRejectionsRequest,
) -> Result<ListRejectionsResponse, Status> {
    let table = &request.table;
    if !table.is_empty() {
        tables.find(table)?;
    }
    let asked = |rejection: &Rejection| table.is_empty() || *rejection.table == **table;
    let rejections = rejections.into_iter().filter(asked).map(Into::into).collect();
    Ok(ListRejectionsResponse { rejections })
}

impl From<Rejection> for WireRejection {
    fn from(rejection: Rejection) -> Self {
        Self {
            table: rejection.table.to_string(),
            topic: rejection.topic.to_string(),
            partition: rejection.partition,
            offset: rejection.offset,
            record_time: Some(wire_time(rejection.record_time)),
            reject_time: Some(wire_time(rejection.reject_time)),
            reason: super::wire_reason(rejection.reason).into(),
        }
    }
}
