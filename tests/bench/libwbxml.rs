//! libwbxml, asked for at run time: where it is not installed its rows say so, and everything builds without it.
#![allow(unsafe_code, reason = "a library in C")]

use std::{
    ffi::{CStr, c_char, c_int, c_uint, c_void},
    mem, ptr,
};

unsafe extern "C" {
    fn dlopen(name: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

type Tree = *mut c_void;

/// `WBXMLGenWBXMLParams`.
#[repr(C)]
struct Parameters {
    version: c_int,
    keep_ignorable_space: u8,
    use_string_table: u8,
    produce_anonymous: u8,
}

type TreeFromWbxml = unsafe extern "C" fn(*const u8, c_uint, c_int, c_int, *mut Tree) -> c_int;
type TreeToWbxml = unsafe extern "C" fn(Tree, *mut *mut u8, *mut c_uint, *mut Parameters) -> c_int;
type TreeDestroy = unsafe extern "C" fn(Tree);
type Free = unsafe extern "C" fn(*mut c_void);

/// The functions that are measured.
#[derive(Clone, Copy)]
pub(crate) struct Library {
    tree_from_wbxml: TreeFromWbxml,
    tree_to_wbxml: TreeToWbxml,
    tree_destroy: TreeDestroy,
    free: Free,
}

impl Library {
    /// The library, if it is installed.
    pub(crate) fn open() -> Option<Self> {
        const RTLD_NOW: c_int = 2;
        let names = [c"libwbxml2.so.1", c"libwbxml2.so.0", c"libwbxml2.so"];
        // SAFETY: the names are strings of C; loading runs no code of ours.
        let library =
            names.into_iter().map(|name| unsafe { dlopen(name.as_ptr(), RTLD_NOW) }).find(|it| !it.is_null())?;
        // SAFETY: the types are those of the functions of libwbxml 0.11.
        unsafe {
            Some(Self {
                tree_from_wbxml: mem::transmute::<*mut c_void, TreeFromWbxml>(symbol(
                    library,
                    c"wbxml_tree_from_wbxml",
                )?),
                tree_to_wbxml: mem::transmute::<*mut c_void, TreeToWbxml>(symbol(library, c"wbxml_tree_to_wbxml")?),
                tree_destroy: mem::transmute::<*mut c_void, TreeDestroy>(symbol(library, c"wbxml_tree_destroy")?),
                free: mem::transmute::<*mut c_void, Free>(symbol(library, c"wbxml_free")?),
            })
        }
    }

    /// Octets of CSP 1.2 to tree. The library has to be told the version, whose public identifier it does not know.
    pub(crate) fn decode(self, octets: &[u8]) -> ForeignTree {
        let mut tree = ptr::null_mut();
        let length = c_uint::try_from(octets.len()).expect("a short message");
        // SAFETY: the octets live during the call, and `tree` receives a tree that we own.
        let result =
            unsafe { (self.tree_from_wbxml)(octets.as_ptr(), length, WV_CSP12, CHARSET_UNKNOWN, &raw mut tree) };
        assert!(result == 0 && !tree.is_null(), "libwbxml cannot read it: {result}");
        ForeignTree { library: self, tree }
    }
}

/// A tree of the library.
pub(crate) struct ForeignTree {
    library: Library,
    tree: Tree,
}

impl ForeignTree {
    /// Tree to octets; how many.
    pub(crate) fn encode(&self) -> usize {
        let (mut octets, mut length) = (ptr::null_mut(), 0);
        let mut parameters =
            Parameters { version: 3, keep_ignorable_space: 0, use_string_table: 0, produce_anonymous: 0 };
        // SAFETY: the tree is alive, and `octets` receives memory that we own.
        let result =
            unsafe { (self.library.tree_to_wbxml)(self.tree, &raw mut octets, &raw mut length, &raw mut parameters) };
        assert!(result == 0 && !octets.is_null(), "libwbxml cannot write it: {result}");
        // SAFETY: it was given to us just now.
        unsafe { (self.library.free)(octets.cast()) };
        usize::try_from(length).unwrap_or(0)
    }
}

impl Drop for ForeignTree {
    fn drop(&mut self) {
        // SAFETY: the tree is ours and is not used again.
        unsafe { (self.library.tree_destroy)(self.tree) };
    }
}

/// `WBXML_LANG_WV_CSP12`.
const WV_CSP12: c_int = 2302;

/// The octets name it.
const CHARSET_UNKNOWN: c_int = 0;

unsafe fn symbol(library: *mut c_void, name: &CStr) -> Option<*mut c_void> {
    // SAFETY: the library stays loaded for ever; the name is a string of C.
    let found = unsafe { dlsym(library, name.as_ptr()) };
    (!found.is_null()).then_some(found)
}
