//! The service tree as elements: Functions and AllFunctions.

use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::primitive::function::{Feature, Function, FunctionGroup, FunctionSet};
use crate::schema::{ElementName, element};

/// The functions that a tree names; a node with nothing below it means all below it.
// WV-NEG-10
pub(crate) fn read(tree: Element<'_, '_>) -> FunctionSet {
    read_with(tree, EmptyGroup::MeansAll)
}

/// The functions that a tree refuses.
///
/// QUIRK empty_group: a deployed server writes an empty group beside refused leaves and does not mean it; it is not
/// taken for a refusal of everything in it; Baraza.
pub(crate) fn read_refused(tree: Element<'_, '_>) -> FunctionSet {
    let names_leaf =
        || levels(tree).flat_map(Element::children).flat_map(Element::children).flat_map(Element::children);
    let has_leaf = names_leaf().any(|child| child.known().and_then(function_of).is_some());
    read_with(tree, if has_leaf { EmptyGroup::MeansNothing } else { EmptyGroup::MeansAll })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum EmptyGroup {
    MeansAll,
    MeansNothing,
}

/// WVCSPFeat, wherever it is: some clients leave it out and put the features directly below.
fn levels<'t, 'a>(tree: Element<'t, 'a>) -> impl Iterator<Item = Element<'t, 'a>> {
    std::iter::once(tree.child(element::WV_CSP_FEAT).unwrap_or(tree))
}

fn read_with(tree: Element<'_, '_>, empty_group: EmptyGroup) -> FunctionSet {
    let mut set = FunctionSet::NONE;
    let mut has_feature = false;
    for feature_element in levels(tree).flat_map(Element::children) {
        let Some(feature) = feature_element.known().and_then(feature_of) else { continue };
        has_feature = true;
        set = set.union(read_feature(feature_element, feature, empty_group));
    }
    if has_feature { set } else { Function::ALL.iter().copied().collect() }
}

fn read_feature(element: Element<'_, '_>, feature: Feature, empty_group: EmptyGroup) -> FunctionSet {
    let mut set = FunctionSet::NONE;
    let mut has_group = false;
    for group_element in element.children() {
        let Some(group) = group_element.known().and_then(group_of) else { continue };
        has_group = true;
        let leaves: FunctionSet = group_element.children().filter_map(|leaf| function_of(leaf.known()?)).collect();
        set = set.union(match (group_element.children().next(), empty_group) {
            (Some(_), _) => leaves,
            (None, EmptyGroup::MeansAll) => FunctionSet::of_group(group),
            (None, EmptyGroup::MeansNothing) => FunctionSet::NONE,
        });
    }
    // MF, MP, MM and MG stand for the whole feature, as does a feature with nothing in it.
    if has_group { set } else { FunctionSet::of_feature(feature) }
}

/// Writes a tree under that name. A whole feature is written as its empty element, anything else leaf by leaf; an empty
/// set would mean everything, so it is not written at all.
pub(crate) fn write(set: Option<FunctionSet>, name: ElementName, sink: &mut dyn Sink) {
    let of_version = FunctionSet::of_version(sink.version());
    let Some(set) = set.map(|set| set.intersection(of_version)).filter(|set| !set.is_empty()) else { return };
    sink.open(name);
    sink.open(element::WV_CSP_FEAT);
    for feature in Feature::ALL {
        let whole = FunctionSet::of_feature(feature).intersection(of_version);
        let wanted = set.intersection(whole);
        if wanted.is_empty() {
            continue;
        }
        sink.open(feature_element(feature));
        if wanted != whole {
            write_groups(feature, wanted, sink);
        }
        sink.close();
    }
    sink.close();
    sink.close();
}

fn write_groups(feature: Feature, wanted: FunctionSet, sink: &mut dyn Sink) {
    for group in FunctionGroup::ALL.into_iter().filter(|group| group.feature() == feature) {
        let leaves = wanted.intersection(FunctionSet::of_group(group));
        if leaves.is_empty() {
            continue;
        }
        sink.open(group_element(group));
        for function in leaves.iter() {
            sink.empty(function_element(function));
        }
        sink.close();
    }
}

const fn feature_element(feature: Feature) -> ElementName {
    match feature {
        Feature::Fundamental => element::FUNDAMENTAL_FEAT,
        Feature::Presence => element::PRESENCE_FEAT,
        Feature::Message => element::IM_FEAT,
        Feature::Group => element::GROUP_FEAT,
    }
}

const fn group_element(group: FunctionGroup) -> ElementName {
    match group {
        FunctionGroup::Service => element::SERVICE_FUNC,
        FunctionGroup::Search => element::SEARCH_FUNC,
        FunctionGroup::Invite => element::INVITE_FUNC,
        FunctionGroup::VerifyId => element::VERIFY_ID_FUNC,
        FunctionGroup::ContactList => element::CONT_LIST_FUNC,
        FunctionGroup::PresenceAuth => element::PRESENCE_AUTH_FUNC,
        FunctionGroup::PresenceDeliver => element::PRESENCE_DELIVER_FUNC,
        FunctionGroup::AttributeList => element::ATT_LIST_FUNC,
        FunctionGroup::MessageSend => element::IM_SEND_FUNC,
        FunctionGroup::MessageReceive => element::IM_RECEIVE_FUNC,
        FunctionGroup::MessageAuth => element::IM_AUTH_FUNC,
        FunctionGroup::GroupManage => element::GROUP_MGMT_FUNC,
        FunctionGroup::GroupUse => element::GROUP_USE_FUNC,
        FunctionGroup::GroupAuth => element::GROUP_AUTH_FUNC,
    }
}

macro_rules! function_elements {
    ($($function:ident $element:ident,)+) => {
        const fn function_element(function: Function) -> ElementName {
            match function {
                $(Function::$function => element::$element,)+
            }
        }
    };
}

function_elements! {
    Getspi GETSPI,
    Getmap GETMAP,
    Sgmnt SGMNT,
    Srch SRCH,
    Advsr ADVSR,
    Stsrc STSRC,
    Invit INVIT,
    Cainv CAINV,
    Vrid VRID,
    Gcli GCLI,
    Ccli CCLI,
    Dcli DCLI,
    Mcls MCLS,
    Getwl GETWL,
    React REACT,
    Caaut CAAUT,
    Getaut GETAUT,
    Getpr GETPR,
    Updpr UPDPR,
    Cali CALI,
    Dali DALI,
    Gals GALS,
    Mdeliv MDELIV,
    Fwmsg FWMSG,
    Setd SETD,
    Getlm GETLM,
    Getm GETM,
    Rejcm REJCM,
    Notif NOTIF,
    Newm NEWM,
    Offnotif OFFNOTIF,
    Glblu GLBLU,
    Blent BLENT,
    Creag CREAG,
    Delgr DELGR,
    Getgp GETGP,
    Setgp SETGP,
    Subgcn SUBGCN,
    Grchn GRCHN,
    Excon EXCON,
    Getgm GETGM,
    Addgm ADDGM,
    Rmvgm RMVGM,
    Mbrac MBRAC,
    Rejec REJEC,
    Getju GETJU,
}

fn feature_of(name: ElementName) -> Option<Feature> {
    Feature::ALL.into_iter().find(|feature| feature_element(*feature) == name)
}

fn group_of(name: ElementName) -> Option<FunctionGroup> {
    FunctionGroup::ALL.into_iter().find(|group| group_element(*group) == name)
}

fn function_of(name: ElementName) -> Option<Function> {
    Function::ALL.iter().copied().find(|function| function_element(*function) == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::tree::Builder;
    use crate::version::{Encoding, Version};

    fn round(set: FunctionSet, version: Version) -> Option<FunctionSet> {
        let mut builder = Builder::new(version, Encoding::Xml);
        builder.open(element::SERVICE_RESPONSE);
        write(Some(set), element::FUNCTIONS, &mut builder);
        builder.close();
        let tree = builder.finish().unwrap();
        tree.root().child(element::FUNCTIONS).map(read_refused)
    }

    #[test]
    fn sets_survive_as_trees_in_every_version() {
        for version in Version::ALL {
            let known = FunctionSet::of_version(version);
            for function in known.iter() {
                let one: FunctionSet = [function].into_iter().collect();
                assert_eq!(round(one, version), Some(one), "{version} {function:?}");
                let rest = known.difference(one);
                assert_eq!(round(rest, version).unwrap().intersection(known), rest, "{version} without {function:?}");
            }
            assert_eq!(round(known, version).unwrap().intersection(known), known);
            assert_eq!(round(FunctionSet::NONE, version), None);
        }
    }

    fn refused(build: impl FnOnce(&mut dyn Sink)) -> FunctionSet {
        let mut builder = Builder::new(Version::V1_2, Encoding::Xml);
        builder.open(element::FUNCTIONS);
        builder.open(element::WV_CSP_FEAT);
        build(&mut builder);
        builder.close();
        builder.close();
        read_refused(builder.finish().unwrap().root())
    }

    // WV-NEG-10
    #[test]
    fn an_empty_node_means_all_below_it() {
        let everything: FunctionSet = Function::ALL.iter().copied().collect();
        assert_eq!(refused(|_| {}), everything);
        assert_eq!(refused(|sink| sink.empty(element::IM_FEAT)), FunctionSet::of_feature(Feature::Message));
        let group = refused(|sink| {
            sink.open(element::IM_FEAT);
            sink.empty(element::IM_AUTH_FUNC);
            sink.close();
        });
        assert_eq!(group, FunctionSet::of_group(FunctionGroup::MessageAuth));
        let mandatory = refused(|sink| {
            sink.open(element::GROUP_FEAT);
            sink.empty(element::MG);
            sink.close();
        });
        assert_eq!(mandatory, FunctionSet::of_feature(Feature::Group));
    }

    #[test]
    fn an_empty_group_beside_refused_leaves_refuses_nothing() {
        let set = refused(|sink| {
            sink.open(element::PRESENCE_FEAT);
            sink.open(element::PRESENCE_AUTH_FUNC);
            sink.empty(element::CAAUT);
            sink.close();
            sink.close();
            sink.open(element::IM_FEAT);
            sink.empty(element::IM_RECEIVE_FUNC);
            sink.close();
        });
        assert_eq!(set, [Function::Caaut].into_iter().collect());
    }
}
