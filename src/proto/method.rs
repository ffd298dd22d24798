//! The methods of millpond's services, as the build script lists them from the protocol.
//!
//! What a method does, and who may call it, is not known here.

include!(concat!(env!("OUT_DIR"), "/methods.rs"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_found_at_its_whole_path_only() {
        assert_eq!(Method::find("/millpond.v1.LookupService/Get"), Some(Method::Get));
        assert_eq!(Method::find("/millpond.v1.StatsService/Get"), None);
        assert_eq!(Method::find("/millpond.v1.LookupService/Nothing"), None);
    }

    #[test]
    fn every_method_is_found_by_its_service_and_its_name() {
        for method in Method::ALL {
            let path = format!("/millpond.v1.{}/{}", method.service(), method.name());
            assert_eq!(Method::find(&path), Some(method));
        }
    }
}
