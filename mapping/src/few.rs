//! A map of a few entries that lives in as much memory as they need: a tree would keep room for a whole node of them.

use std::borrow::Borrow;

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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

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
