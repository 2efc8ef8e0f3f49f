//! Documents as octets, shared: ten thousand watchers with the same view cost one rendering.

use mapping::{
    address::Address,
    presence::{AttributeSet, PresenceDocument, PresenceView},
};
use sip_proto::event::body::Body;
use std::{sync::Arc, time::Duration};

/// What was rendered a moment ago. Losing an entry costs another rendering and nothing else.
pub(super) struct Rendered(moka::sync::Cache<Key, Rendering>);

/// Views with equal keys look alike. The document counts by its place in memory.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    document: usize,
    presentity: Address,
    attributes: AttributeSet,
}

/// The document is held, so that its place in memory is not used for another one.
#[derive(Clone)]
struct Rendering {
    _document: Arc<PresenceDocument>,
    body: Body,
}

impl Rendered {
    /// What `render` makes of the view, unless it is known.
    pub(super) fn get_or_render(
        &self,
        presentity: &Address,
        view: &PresenceView,
        render: impl FnOnce() -> Option<Body>,
    ) -> Option<Body> {
        let document = Arc::as_ptr(&view.document).addr();
        let key = Key { document, presentity: presentity.clone(), attributes: view.attributes };
        if let Some(known) = self.0.get(&key) {
            return Some(known.body);
        }
        let body = render()?;
        self.0.insert(key, Rendering { _document: Arc::clone(&view.document), body: body.clone() });
        Some(body)
    }
}

impl Default for Rendered {
    fn default() -> Self {
        let weigh = |_: &Key, rendering: &Rendering| u32::try_from(rendering.body.content().len()).unwrap_or(u32::MAX);
        Self(moka::sync::Cache::builder().max_capacity(OCTETS_MAX).weigher(weigh).time_to_live(LIFE).build())
    }
}

/// Octets of all renderings; thousands of documents.
const OCTETS_MAX: u64 = 16 * 1024 * 1024;

/// Watchers of one change are told within seconds of each other.
const LIFE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;
    use sip_proto::message::header::media_type::MediaType;

    fn body(text: &'static str) -> Body {
        let media_type = MediaType::parse("application/pidf+xml").unwrap();
        Body::new(media_type, bytes::Bytes::from_static(text.as_bytes()))
    }

    fn view(attributes: AttributeSet) -> PresenceView {
        PresenceView { document: Arc::default(), attributes, changed: attributes }
    }

    #[test]
    fn equal_views_of_one_document_are_rendered_once() {
        let rendered = Rendered::default();
        let alice = Address::parse("alice@wv.example").unwrap();
        let view = view(AttributeSet::ALL);
        let first = rendered.get_or_render(&alice, &view, || Some(body("one")));
        let second = rendered.get_or_render(&alice, &view.clone(), || panic!("rendered again"));
        assert_eq!(first, second);
    }

    #[test]
    fn other_documents_presentities_and_attributes_are_rendered_for_themselves() {
        let rendered = Rendered::default();
        let alice = Address::parse("alice@wv.example").unwrap();
        let carol = Address::parse("carol@wv.example").unwrap();
        let whole = view(AttributeSet::ALL);
        let less = PresenceView { attributes: AttributeSet::NONE, ..whole.clone() };
        let mut count = 0;
        for (presentity, view) in
            [(&alice, &whole), (&carol, &whole), (&alice, &less), (&alice, &view(AttributeSet::ALL))]
        {
            rendered.get_or_render(presentity, view, || {
                count += 1;
                Some(body(""))
            });
        }
        assert_eq!(count, 4);
    }
}
