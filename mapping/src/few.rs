//! A map of a few entries that lives in as much memory as they need: a tree would keep room for a whole node of them.

use std::{borrow::Borrow, collections::BTreeMap};

/// An ordered map for few entries, or for entries that seldom change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FewMap<K, V>(Vec<(K, V)>);

impl<K, V> Default for FewMap<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord, V> FewMap<K, V> {
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.place(key).is_ok()
    }

    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let at = self.place(key).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    pub(crate) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let at = self.place(key).ok()?;
        self.0.get_mut(at).map(|(_, value)| value)
    }

    /// The value under the key, made if there is none.
    pub(crate) fn get_or_default(&mut self, key: K) -> Option<&mut V>
    where
        V: Default,
    {
        let at = match self.place(&key) {
            Ok(at) => at,
            Err(at) => {
                self.add(at, key, V::default());
                at
            }
        };
        self.0.get_mut(at).map(|(_, value)| value)
    }

    /// The value that was under the key before.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.place(&key) {
            Ok(at) => self.0.get_mut(at).map(|(_, known)| std::mem::replace(known, value)),
            Err(at) => {
                self.add(at, key, value);
                None
            }
        }
    }

    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let at = self.place(key).ok()?;
        let (_, value) = self.0.remove(at);
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
        Some(value)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.0.iter().map(|(key, _)| key)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    pub(crate) fn into_keys(self) -> impl Iterator<Item = K> {
        self.0.into_iter().map(|(key, _)| key)
    }

    fn place<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.0.binary_search_by(|(known, _)| known.borrow().cmp(key))
    }

    fn add(&mut self, at: usize, key: K, value: V) {
        // One device and one list are the rule; whoever has more gets room as a vector does.
        if self.0.is_empty() {
            self.0.reserve_exact(1);
        }
        self.0.insert(at, (key, value));
    }
}

/// An ordered map that is nearly always one of few entries, and may become one of very many: then it is a tree.
#[derive(Clone, Debug)]
pub(crate) struct GrowingMap<K, V> {
    few: FewMap<K, V>,
    /// All of them, once there were more than [`FEW_MAX`].
    #[expect(
        clippy::box_collection,
        reason = "hardly any has several, and each of very many would keep room for them"
    )]
    many: Option<Box<BTreeMap<K, V>>>,
}

impl<K: Ord, V> GrowingMap<K, V> {
    pub(crate) const fn new() -> Self {
        Self { few: FewMap(Vec::new()), many: None }
    }

    pub(crate) fn len(&self) -> usize {
        self.many.as_ref().map_or(self.few.len(), |many| many.len())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn contains_key(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        match &self.many {
            Some(many) => many.get(key),
            None => self.few.get(key),
        }
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        match &mut self.many {
            Some(many) => many.get_mut(key),
            None => self.few.get_mut(key),
        }
    }

    /// The value that was under the key before.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        if let Some(many) = &mut self.many {
            return many.insert(key, value);
        }
        if self.few.len() < FEW_MAX || self.few.contains_key(&key) {
            return self.few.insert(key, value);
        }
        let mut many: BTreeMap<K, V> = std::mem::take(&mut self.few).0.into_iter().collect();
        let before = many.insert(key, value);
        self.many = Some(Box::new(many));
        before
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let Some(many) = &mut self.many else { return self.few.remove(key) };
        let value = many.remove(key);
        if many.is_empty() {
            self.many = None;
        }
        value
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        // One of the two is empty.
        self.few.iter().chain(self.many.iter().flat_map(|many| many.iter()))
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }
}

/// So many entries are moved about in a vector sooner than a tree is searched.
const FEW_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_entry_takes_the_room_of_one() {
        let mut few = FewMap::default();
        few.insert(1, 'a');
        assert_eq!(few.0.capacity(), 1);
        few.remove(&1);
        assert_eq!(few.0.capacity(), 0);
    }

    proptest! {
        #[test]
        fn one_that_grows_does_what_a_tree_does(
            steps in prop::collection::vec((0..3_u8, 0..16_u8, any::<u16>()), 0..96)
        ) {
            let (mut growing, mut tree) = (GrowingMap::<u8, u16>::new(), BTreeMap::new());
            for (step, key, value) in steps {
                match step {
                    0 => prop_assert_eq!(growing.insert(key, value), tree.insert(key, value)),
                    1 => prop_assert_eq!(growing.remove(&key), tree.remove(&key)),
                    _ => prop_assert_eq!(growing.get_mut(&key).map(|one| *one), tree.get_mut(&key).map(|one| *one)),
                }
                prop_assert_eq!(growing.get(&key), tree.get(&key));
                prop_assert_eq!(growing.contains_key(&key), tree.contains_key(&key));
                prop_assert_eq!((growing.len(), growing.is_empty()), (tree.len(), tree.is_empty()));
                prop_assert!(growing.iter().eq(tree.iter()) && growing.keys().eq(tree.keys()));
            }
        }

        #[test]
        fn it_does_what_a_tree_does(steps in prop::collection::vec((0..4_u8, 0..8_u8, any::<u16>()), 0..64)) {
            let (mut few, mut tree) = (FewMap::<u8, u16>::default(), BTreeMap::new());
            for (step, key, value) in steps {
                match step {
                    0 => prop_assert_eq!(few.insert(key, value), tree.insert(key, value)),
                    1 => prop_assert_eq!(few.remove(&key), tree.remove(&key)),
                    2 => prop_assert_eq!(few.get_or_default(key).copied(), Some(*tree.entry(key).or_default())),
                    _ => few.values_mut().chain(tree.values_mut()).for_each(|one| *one = one.wrapping_add(value)),
                }
                prop_assert_eq!(few.get(&key), tree.get(&key));
                prop_assert_eq!(few.contains_key(&key), tree.contains_key(&key));
                prop_assert_eq!((few.len(), few.is_empty()), (tree.len(), tree.is_empty()));
                prop_assert!(few.iter().eq(tree.iter()) && few.keys().eq(tree.keys()) && few.values().eq(tree.values()));
            }
            prop_assert!(few.into_keys().eq(tree.into_keys()));
        }
    }
}
