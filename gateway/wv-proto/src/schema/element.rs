//! Table.
//!
//! One constant per element name of CSP 1.1, 1.2 and 1.3, in the byte order of the names.

use crate::schema::ElementName;

/// `ADDGM`
pub const ADDGM: ElementName = ElementName(0);
/// `ADVSR`
pub const ADVSR: ElementName = ElementName(1);
/// `Acceptance`
pub const ACCEPTANCE: ElementName = ElementName(2);
/// `AcceptedCharset`
pub const ACCEPTED_CHARSET: ElementName = ElementName(3);
/// `AcceptedContentLength`
pub const ACCEPTED_CONTENT_LENGTH: ElementName = ElementName(4);
/// `AcceptedContentType`
pub const ACCEPTED_CONTENT_TYPE: ElementName = ElementName(5);
/// `AcceptedPullLength`
pub const ACCEPTED_PULL_LENGTH: ElementName = ElementName(6);
/// `AcceptedPushLength`
pub const ACCEPTED_PUSH_LENGTH: ElementName = ElementName(7);
/// `AcceptedRichContentLength`
pub const ACCEPTED_RICH_CONTENT_LENGTH: ElementName = ElementName(8);
/// `AcceptedTextContentLength`
pub const ACCEPTED_TEXT_CONTENT_LENGTH: ElementName = ElementName(9);
/// `AcceptedTransferEncoding`
pub const ACCEPTED_TRANSFER_ENCODING: ElementName = ElementName(10);
/// `Accuracy`
pub const ACCURACY: ElementName = ElementName(11);
/// `AddGroupMembers-Request`
pub const ADD_GROUP_MEMBERS_REQUEST: ElementName = ElementName(12);
/// `AddList`
pub const ADD_LIST: ElementName = ElementName(13);
/// `AddNickList`
pub const ADD_NICK_LIST: ElementName = ElementName(14);
/// `AddrPref`
pub const ADDR_PREF: ElementName = ElementName(15);
/// `Address`
pub const ADDRESS: ElementName = ElementName(16);
/// `Admin`
pub const ADMIN: ElementName = ElementName(17);
/// `AdminMapList`
pub const ADMIN_MAP_LIST: ElementName = ElementName(18);
/// `AdminMapping`
pub const ADMIN_MAPPING: ElementName = ElementName(19);
/// `AdvancedCriteria`
pub const ADVANCED_CRITERIA: ElementName = ElementName(20);
/// `AgreedCapabilityList`
pub const AGREED_CAPABILITY_LIST: ElementName = ElementName(21);
/// `Alias`
pub const ALIAS: ElementName = ElementName(22);
/// `AllFunctions`
pub const ALL_FUNCTIONS: ElementName = ElementName(23);
/// `AllFunctionsRequest`
pub const ALL_FUNCTIONS_REQUEST: ElementName = ElementName(24);
/// `Altitude`
pub const ALTITUDE: ElementName = ElementName(25);
/// `AnswerOption`
pub const ANSWER_OPTION: ElementName = ElementName(26);
/// `AnswerOptionID`
pub const ANSWER_OPTION_ID: ElementName = ElementName(27);
/// `AnswerOptionText`
pub const ANSWER_OPTION_TEXT: ElementName = ElementName(28);
/// `AnswerOptions`
pub const ANSWER_OPTIONS: ElementName = ElementName(29);
/// `AnswerOptionsText`
pub const ANSWER_OPTIONS_TEXT: ElementName = ElementName(30);
/// `AnyContent`
pub const ANY_CONTENT: ElementName = ElementName(31);
/// `ApplicationID`
pub const APPLICATION_ID: ElementName = ElementName(32);
/// `AttListFunc`
pub const ATT_LIST_FUNC: ElementName = ElementName(33);
/// `AuthorizeAndGrant`
pub const AUTHORIZE_AND_GRANT: ElementName = ElementName(34);
/// `AutoSubscribe`
pub const AUTO_SUBSCRIBE: ElementName = ElementName(35);
/// `BLENT`
pub const BLENT: ElementName = ElementName(36);
/// `BlockEntity-Request`
pub const BLOCK_ENTITY_REQUEST: ElementName = ElementName(37);
/// `BlockList`
pub const BLOCK_LIST: ElementName = ElementName(38);
/// `BlockListInUse`
pub const BLOCK_LIST_IN_USE: ElementName = ElementName(39);
/// `Building`
pub const BUILDING: ElementName = ElementName(40);
/// `CAAUT`
pub const CAAUT: ElementName = ElementName(41);
/// `CAINV`
pub const CAINV: ElementName = ElementName(42);
/// `CALI`
pub const CALI: ElementName = ElementName(43);
/// `CCLI`
pub const CCLI: ElementName = ElementName(44);
/// `CIR`
pub const CIR: ElementName = ElementName(45);
/// `CIRHTTPAddress`
pub const CIR_HTTP_ADDRESS: ElementName = ElementName(46);
/// `CIRSMSAddress`
pub const CIR_SMS_ADDRESS: ElementName = ElementName(47);
/// `CIRURL`
pub const CIR_URL: ElementName = ElementName(48);
/// `CREAG`
pub const CREAG: ElementName = ElementName(49);
/// `Caddr`
pub const CADDR: ElementName = ElementName(50);
/// `CancelAuth-Request`
pub const CANCEL_AUTH_REQUEST: ElementName = ElementName(51);
/// `CancelInvite-Request`
pub const CANCEL_INVITE_REQUEST: ElementName = ElementName(52);
/// `CancelInviteUser-Request`
pub const CANCEL_INVITE_USER_REQUEST: ElementName = ElementName(53);
/// `Cap`
pub const CAP: ElementName = ElementName(54);
/// `Capability`
pub const CAPABILITY: ElementName = ElementName(55);
/// `CapabilityList`
pub const CAPABILITY_LIST: ElementName = ElementName(56);
/// `CapabilityRequest`
pub const CAPABILITY_REQUEST: ElementName = ElementName(57);
/// `ChosenOptionID`
pub const CHOSEN_OPTION_ID: ElementName = ElementName(58);
/// `City`
pub const CITY: ElementName = ElementName(59);
/// `ClearPublicProfile`
pub const CLEAR_PUBLIC_PROFILE: ElementName = ElementName(60);
/// `ClientCapability-Request`
pub const CLIENT_CAPABILITY_REQUEST: ElementName = ElementName(61);
/// `ClientCapability-Response`
pub const CLIENT_CAPABILITY_RESPONSE: ElementName = ElementName(62);
/// `ClientContentLimit`
pub const CLIENT_CONTENT_LIMIT: ElementName = ElementName(63);
/// `ClientID`
pub const CLIENT_ID: ElementName = ElementName(64);
/// `ClientIMPriority`
pub const CLIENT_IM_PRIORITY: ElementName = ElementName(65);
/// `ClientInfo`
pub const CLIENT_INFO: ElementName = ElementName(66);
/// `ClientProducer`
pub const CLIENT_PRODUCER: ElementName = ElementName(67);
/// `ClientType`
pub const CLIENT_TYPE: ElementName = ElementName(68);
/// `ClientVersion`
pub const CLIENT_VERSION: ElementName = ElementName(69);
/// `Cname`
pub const CNAME: ElementName = ElementName(70);
/// `Code`
pub const CODE: ElementName = ElementName(71);
/// `Color`
pub const COLOR: ElementName = ElementName(72);
/// `CommC`
pub const COMM_C: ElementName = ElementName(73);
/// `CommCap`
pub const COMM_CAP: ElementName = ElementName(74);
/// `CompletionFlag`
pub const COMPLETION_FLAG: ElementName = ElementName(75);
/// `ContListFunc`
pub const CONT_LIST_FUNC: ElementName = ElementName(76);
/// `Contact`
pub const CONTACT: ElementName = ElementName(77);
/// `ContactInfo`
pub const CONTACT_INFO: ElementName = ElementName(78);
/// `ContactList`
pub const CONTACT_LIST: ElementName = ElementName(79);
/// `ContactListIDList`
pub const CONTACT_LIST_ID_LIST: ElementName = ElementName(80);
/// `ContactListNotify`
pub const CONTACT_LIST_NOTIFY: ElementName = ElementName(81);
/// `ContactListProperties`
pub const CONTACT_LIST_PROPERTIES: ElementName = ElementName(82);
/// `ContainedvCard`
pub const CONTAINED_V_CARD: ElementName = ElementName(83);
/// `ContentData`
pub const CONTENT_DATA: ElementName = ElementName(84);
/// `ContentEncoding`
pub const CONTENT_ENCODING: ElementName = ElementName(85);
/// `ContentName`
pub const CONTENT_NAME: ElementName = ElementName(86);
/// `ContentPolicy`
pub const CONTENT_POLICY: ElementName = ElementName(87);
/// `ContentPolicyLimit`
pub const CONTENT_POLICY_LIMIT: ElementName = ElementName(88);
/// `ContentSize`
pub const CONTENT_SIZE: ElementName = ElementName(89);
/// `ContentType`
pub const CONTENT_TYPE: ElementName = ElementName(90);
/// `Country`
pub const COUNTRY: ElementName = ElementName(91);
/// `Cpriority`
pub const CPRIORITY: ElementName = ElementName(92);
/// `CreateAttributeList-Request`
pub const CREATE_ATTRIBUTE_LIST_REQUEST: ElementName = ElementName(93);
/// `CreateGroup-Request`
pub const CREATE_GROUP_REQUEST: ElementName = ElementName(94);
/// `CreateList-Request`
pub const CREATE_LIST_REQUEST: ElementName = ElementName(95);
/// `CreateList-Response`
pub const CREATE_LIST_RESPONSE: ElementName = ElementName(96);
/// `Crossing1`
pub const CROSSING1: ElementName = ElementName(97);
/// `Crossing2`
pub const CROSSING2: ElementName = ElementName(98);
/// `Cstatus`
pub const CSTATUS: ElementName = ElementName(99);
/// `DALI`
pub const DALI: ElementName = ElementName(100);
/// `DCLI`
pub const DCLI: ElementName = ElementName(101);
/// `DELGR`
pub const DELGR: ElementName = ElementName(102);
/// `DateTime`
pub const DATE_TIME: ElementName = ElementName(103);
/// `DefaultAttributeList`
pub const DEFAULT_ATTRIBUTE_LIST: ElementName = ElementName(104);
/// `DefaultContactList`
pub const DEFAULT_CONTACT_LIST: ElementName = ElementName(105);
/// `DefaultLanguage`
pub const DEFAULT_LANGUAGE: ElementName = ElementName(106);
/// `DefaultList`
pub const DEFAULT_LIST: ElementName = ElementName(107);
/// `DefaultNotify`
pub const DEFAULT_NOTIFY: ElementName = ElementName(108);
/// `DeleteAttributeList-Request`
pub const DELETE_ATTRIBUTE_LIST_REQUEST: ElementName = ElementName(109);
/// `DeleteGroup-Request`
pub const DELETE_GROUP_REQUEST: ElementName = ElementName(110);
/// `DeleteList-Request`
pub const DELETE_LIST_REQUEST: ElementName = ElementName(111);
/// `DeliveryMethod`
pub const DELIVERY_METHOD: ElementName = ElementName(112);
/// `DeliveryReport`
pub const DELIVERY_REPORT: ElementName = ElementName(113);
/// `DeliveryReport-Request`
pub const DELIVERY_REPORT_REQUEST: ElementName = ElementName(114);
/// `DeliveryTime`
pub const DELIVERY_TIME: ElementName = ElementName(115);
/// `Description`
pub const DESCRIPTION: ElementName = ElementName(116);
/// `DetailedResult`
pub const DETAILED_RESULT: ElementName = ElementName(117);
/// `DevManufacturer`
pub const DEV_MANUFACTURER: ElementName = ElementName(118);
/// `DigestBytes`
pub const DIGEST_BYTES: ElementName = ElementName(119);
/// `DigestSchema`
pub const DIGEST_SCHEMA: ElementName = ElementName(120);
/// `DirectContent`
pub const DIRECT_CONTENT: ElementName = ElementName(121);
/// `Disconnect`
pub const DISCONNECT: ElementName = ElementName(122);
/// `Domain`
pub const DOMAIN: ElementName = ElementName(123);
/// `DropSegment-Request`
pub const DROP_SEGMENT_REQUEST: ElementName = ElementName(124);
/// `EXCON`
pub const EXCON: ElementName = ElementName(125);
/// `EntityList`
pub const ENTITY_LIST: ElementName = ElementName(126);
/// `ExtBlock`
pub const EXT_BLOCK: ElementName = ElementName(127);
/// `ExtBlockETEM`
pub const EXT_BLOCK_ETEM: ElementName = ElementName(128);
/// `ExtendConversation-Request`
pub const EXTEND_CONVERSATION_REQUEST: ElementName = ElementName(129);
/// `ExtendConversation-Response`
pub const EXTEND_CONVERSATION_RESPONSE: ElementName = ElementName(130);
/// `ExtendConversationID`
pub const EXTEND_CONVERSATION_ID: ElementName = ElementName(131);
/// `ExtendConversationUser`
pub const EXTEND_CONVERSATION_USER: ElementName = ElementName(132);
/// `Extended-Request`
pub const EXTENDED_REQUEST: ElementName = ElementName(133);
/// `Extended-Response`
pub const EXTENDED_RESPONSE: ElementName = ElementName(134);
/// `ExtendedData`
pub const EXTENDED_DATA: ElementName = ElementName(135);
/// `FWMSG`
pub const FWMSG: ElementName = ElementName(136);
/// `Font`
pub const FONT: ElementName = ElementName(137);
/// `ForwardMessage-Request`
pub const FORWARD_MESSAGE_REQUEST: ElementName = ElementName(138);
/// `ForwardMessage-Response`
pub const FORWARD_MESSAGE_RESPONSE: ElementName = ElementName(139);
/// `FreeTextLocation`
pub const FREE_TEXT_LOCATION: ElementName = ElementName(140);
/// `FriendlyName`
pub const FRIENDLY_NAME: ElementName = ElementName(141);
/// `Functions`
pub const FUNCTIONS: ElementName = ElementName(142);
/// `FundamentalFeat`
pub const FUNDAMENTAL_FEAT: ElementName = ElementName(143);
/// `GALS`
pub const GALS: ElementName = ElementName(144);
/// `GCLI`
pub const GCLI: ElementName = ElementName(145);
/// `GETAUT`
pub const GETAUT: ElementName = ElementName(146);
/// `GETGM`
pub const GETGM: ElementName = ElementName(147);
/// `GETGP`
pub const GETGP: ElementName = ElementName(148);
/// `GETJU`
pub const GETJU: ElementName = ElementName(149);
/// `GETLM`
pub const GETLM: ElementName = ElementName(150);
/// `GETM`
pub const GETM: ElementName = ElementName(151);
/// `GETMAP`
pub const GETMAP: ElementName = ElementName(152);
/// `GETPR`
pub const GETPR: ElementName = ElementName(153);
/// `GETSPI`
pub const GETSPI: ElementName = ElementName(154);
/// `GETWL`
pub const GETWL: ElementName = ElementName(155);
/// `GLBLU`
pub const GLBLU: ElementName = ElementName(156);
/// `GRCHN`
pub const GRCHN: ElementName = ElementName(157);
/// `GeoLocation`
pub const GEO_LOCATION: ElementName = ElementName(158);
/// `GetAttributeList-Request`
pub const GET_ATTRIBUTE_LIST_REQUEST: ElementName = ElementName(159);
/// `GetAttributeList-Response`
pub const GET_ATTRIBUTE_LIST_RESPONSE: ElementName = ElementName(160);
/// `GetBlockedList-Request`
pub const GET_BLOCKED_LIST_REQUEST: ElementName = ElementName(161);
/// `GetBlockedList-Response`
pub const GET_BLOCKED_LIST_RESPONSE: ElementName = ElementName(162);
/// `GetGroupMembers-Request`
pub const GET_GROUP_MEMBERS_REQUEST: ElementName = ElementName(163);
/// `GetGroupMembers-Response`
pub const GET_GROUP_MEMBERS_RESPONSE: ElementName = ElementName(164);
/// `GetGroupProps-Request`
pub const GET_GROUP_PROPS_REQUEST: ElementName = ElementName(165);
/// `GetGroupProps-Response`
pub const GET_GROUP_PROPS_RESPONSE: ElementName = ElementName(166);
/// `GetJoinedUsers-Request`
pub const GET_JOINED_USERS_REQUEST: ElementName = ElementName(167);
/// `GetJoinedUsers-Response`
pub const GET_JOINED_USERS_RESPONSE: ElementName = ElementName(168);
/// `GetList-Request`
pub const GET_LIST_REQUEST: ElementName = ElementName(169);
/// `GetList-Response`
pub const GET_LIST_RESPONSE: ElementName = ElementName(170);
/// `GetMap-Request`
pub const GET_MAP_REQUEST: ElementName = ElementName(171);
/// `GetMap-Response`
pub const GET_MAP_RESPONSE: ElementName = ElementName(172);
/// `GetMessage-Request`
pub const GET_MESSAGE_REQUEST: ElementName = ElementName(173);
/// `GetMessage-Response`
pub const GET_MESSAGE_RESPONSE: ElementName = ElementName(174);
/// `GetMessageList-Request`
pub const GET_MESSAGE_LIST_REQUEST: ElementName = ElementName(175);
/// `GetMessageList-Response`
pub const GET_MESSAGE_LIST_RESPONSE: ElementName = ElementName(176);
/// `GetPresence-Request`
pub const GET_PRESENCE_REQUEST: ElementName = ElementName(177);
/// `GetPresence-Response`
pub const GET_PRESENCE_RESPONSE: ElementName = ElementName(178);
/// `GetPublicProfile-Request`
pub const GET_PUBLIC_PROFILE_REQUEST: ElementName = ElementName(179);
/// `GetPublicProfile-Response`
pub const GET_PUBLIC_PROFILE_RESPONSE: ElementName = ElementName(180);
/// `GetReactiveAuthStatus-Request`
pub const GET_REACTIVE_AUTH_STATUS_REQUEST: ElementName = ElementName(181);
/// `GetReactiveAuthStatus-Response`
pub const GET_REACTIVE_AUTH_STATUS_RESPONSE: ElementName = ElementName(182);
/// `GetSPInfo-Request`
pub const GET_SP_INFO_REQUEST: ElementName = ElementName(183);
/// `GetSPInfo-Response`
pub const GET_SP_INFO_RESPONSE: ElementName = ElementName(184);
/// `GetSegment-Request`
pub const GET_SEGMENT_REQUEST: ElementName = ElementName(185);
/// `GetSegment-Response`
pub const GET_SEGMENT_RESPONSE: ElementName = ElementName(186);
/// `GetWatcherList-Request`
pub const GET_WATCHER_LIST_REQUEST: ElementName = ElementName(187);
/// `GetWatcherList-Response`
pub const GET_WATCHER_LIST_RESPONSE: ElementName = ElementName(188);
/// `GrantList`
pub const GRANT_LIST: ElementName = ElementName(189);
/// `GrantListInUse`
pub const GRANT_LIST_IN_USE: ElementName = ElementName(190);
/// `Group`
pub const GROUP: ElementName = ElementName(191);
/// `GroupAuthFunc`
pub const GROUP_AUTH_FUNC: ElementName = ElementName(192);
/// `GroupChangeNotice`
pub const GROUP_CHANGE_NOTICE: ElementName = ElementName(193);
/// `GroupContentLimit`
pub const GROUP_CONTENT_LIMIT: ElementName = ElementName(194);
/// `GroupFeat`
pub const GROUP_FEAT: ElementName = ElementName(195);
/// `GroupID`
pub const GROUP_ID: ElementName = ElementName(196);
/// `GroupList`
pub const GROUP_LIST: ElementName = ElementName(197);
/// `GroupMgmtFunc`
pub const GROUP_MGMT_FUNC: ElementName = ElementName(198);
/// `GroupProperties`
pub const GROUP_PROPERTIES: ElementName = ElementName(199);
/// `GroupUseFunc`
pub const GROUP_USE_FUNC: ElementName = ElementName(200);
/// `HistoryPeriod`
pub const HISTORY_PERIOD: ElementName = ElementName(201);
/// `IDList`
pub const ID_LIST: ElementName = ElementName(202);
/// `IMAuthFunc`
pub const IM_AUTH_FUNC: ElementName = ElementName(203);
/// `IMFeat`
pub const IM_FEAT: ElementName = ElementName(204);
/// `IMReceiveFunc`
pub const IM_RECEIVE_FUNC: ElementName = ElementName(205);
/// `IMSendFunc`
pub const IM_SEND_FUNC: ElementName = ElementName(206);
/// `INVIT`
pub const INVIT: ElementName = ElementName(207);
/// `InText`
pub const IN_TEXT: ElementName = ElementName(208);
/// `InUse`
pub const IN_USE: ElementName = ElementName(209);
/// `Inf_link`
pub const INF_LINK: ElementName = ElementName(210);
/// `InfoLink`
pub const INFO_LINK: ElementName = ElementName(211);
/// `InitialDeliveryMethod`
pub const INITIAL_DELIVERY_METHOD: ElementName = ElementName(212);
/// `Invite-Request`
pub const INVITE_REQUEST: ElementName = ElementName(213);
/// `Invite-Response`
pub const INVITE_RESPONSE: ElementName = ElementName(214);
/// `InviteFunc`
pub const INVITE_FUNC: ElementName = ElementName(215);
/// `InviteID`
pub const INVITE_ID: ElementName = ElementName(216);
/// `InviteNote`
pub const INVITE_NOTE: ElementName = ElementName(217);
/// `InviteType`
pub const INVITE_TYPE: ElementName = ElementName(218);
/// `InviteUser-Request`
pub const INVITE_USER_REQUEST: ElementName = ElementName(219);
/// `InviteUser-Response`
pub const INVITE_USER_RESPONSE: ElementName = ElementName(220);
/// `JoinGroup`
pub const JOIN_GROUP: ElementName = ElementName(221);
/// `JoinGroup-Request`
pub const JOIN_GROUP_REQUEST: ElementName = ElementName(222);
/// `JoinGroup-Response`
pub const JOIN_GROUP_RESPONSE: ElementName = ElementName(223);
/// `Joined`
pub const JOINED: ElementName = ElementName(224);
/// `JoinedBlocked`
pub const JOINED_BLOCKED: ElementName = ElementName(225);
/// `JoinedRequest`
pub const JOINED_REQUEST: ElementName = ElementName(226);
/// `KeepAlive-Request`
pub const KEEP_ALIVE_REQUEST: ElementName = ElementName(227);
/// `KeepAlive-Response`
pub const KEEP_ALIVE_RESPONSE: ElementName = ElementName(228);
/// `KeepAliveTime`
pub const KEEP_ALIVE_TIME: ElementName = ElementName(229);
/// `Language`
pub const LANGUAGE: ElementName = ElementName(230);
/// `Latitude`
pub const LATITUDE: ElementName = ElementName(231);
/// `LeaveGroup-Request`
pub const LEAVE_GROUP_REQUEST: ElementName = ElementName(232);
/// `LeaveGroup-Response`
pub const LEAVE_GROUP_RESPONSE: ElementName = ElementName(233);
/// `Left`
pub const LEFT: ElementName = ElementName(234);
/// `LeftBlocked`
pub const LEFT_BLOCKED: ElementName = ElementName(235);
/// `Link`
pub const LINK: ElementName = ElementName(236);
/// `ListManage-Request`
pub const LIST_MANAGE_REQUEST: ElementName = ElementName(237);
/// `ListManage-Response`
pub const LIST_MANAGE_RESPONSE: ElementName = ElementName(238);
/// `Login-Request`
pub const LOGIN_REQUEST: ElementName = ElementName(239);
/// `Login-Response`
pub const LOGIN_RESPONSE: ElementName = ElementName(240);
/// `Logo`
pub const LOGO: ElementName = ElementName(241);
/// `Logout-Request`
pub const LOGOUT_REQUEST: ElementName = ElementName(242);
/// `Longitude`
pub const LONGITUDE: ElementName = ElementName(243);
/// `MBRAC`
pub const MBRAC: ElementName = ElementName(244);
/// `MCLS`
pub const MCLS: ElementName = ElementName(245);
/// `MDELIV`
pub const MDELIV: ElementName = ElementName(246);
/// `MF`
pub const MF: ElementName = ElementName(247);
/// `MG`
pub const MG: ElementName = ElementName(248);
/// `MM`
pub const MM: ElementName = ElementName(249);
/// `MP`
pub const MP: ElementName = ElementName(250);
/// `MSISDN`
pub const MSISDN: ElementName = ElementName(251);
/// `Map`
pub const MAP: ElementName = ElementName(252);
/// `Mapping`
pub const MAPPING: ElementName = ElementName(253);
/// `MaxPullLength`
pub const MAX_PULL_LENGTH: ElementName = ElementName(254);
/// `MaxPushLength`
pub const MAX_PUSH_LENGTH: ElementName = ElementName(255);
/// `MaxWatcherList`
pub const MAX_WATCHER_LIST: ElementName = ElementName(256);
/// `MemberAccess-Request`
pub const MEMBER_ACCESS_REQUEST: ElementName = ElementName(257);
/// `MessageCount`
pub const MESSAGE_COUNT: ElementName = ElementName(258);
/// `MessageDelivered`
pub const MESSAGE_DELIVERED: ElementName = ElementName(259);
/// `MessageID`
pub const MESSAGE_ID: ElementName = ElementName(260);
/// `MessageInfo`
pub const MESSAGE_INFO: ElementName = ElementName(261);
/// `MessageInfoList`
pub const MESSAGE_INFO_LIST: ElementName = ElementName(262);
/// `MessageNotification`
pub const MESSAGE_NOTIFICATION: ElementName = ElementName(263);
/// `MessageTotalCount`
pub const MESSAGE_TOTAL_COUNT: ElementName = ElementName(264);
/// `MessageURI`
pub const MESSAGE_URI: ElementName = ElementName(265);
/// `Mod`
pub const MOD: ElementName = ElementName(266);
/// `ModMapping`
pub const MOD_MAPPING: ElementName = ElementName(267);
/// `Model`
pub const MODEL: ElementName = ElementName(268);
/// `MultiTrans`
pub const MULTI_TRANS: ElementName = ElementName(269);
/// `MultiTransPerMessage`
pub const MULTI_TRANS_PER_MESSAGE: ElementName = ElementName(270);
/// `NEWM`
pub const NEWM: ElementName = ElementName(271);
/// `NOTIF`
pub const NOTIF: ElementName = ElementName(272);
/// `Name`
pub const NAME: ElementName = ElementName(273);
/// `NamedArea`
pub const NAMED_AREA: ElementName = ElementName(274);
/// `NewMessage`
pub const NEW_MESSAGE: ElementName = ElementName(275);
/// `NickList`
pub const NICK_LIST: ElementName = ElementName(276);
/// `NickName`
pub const NICK_NAME: ElementName = ElementName(277);
/// `Nonce`
pub const NONCE: ElementName = ElementName(278);
/// `Note`
pub const NOTE: ElementName = ElementName(279);
/// `Notification-Request`
pub const NOTIFICATION_REQUEST: ElementName = ElementName(280);
/// `NotificationType`
pub const NOTIFICATION_TYPE: ElementName = ElementName(281);
/// `NotificationTypeList`
pub const NOTIFICATION_TYPE_LIST: ElementName = ElementName(282);
/// `OFFNOTIF`
pub const OFFNOTIF: ElementName = ElementName(283);
/// `OfflineETEMHandling`
pub const OFFLINE_ETEM_HANDLING: ElementName = ElementName(284);
/// `OnlineETEMHandling`
pub const ONLINE_ETEM_HANDLING: ElementName = ElementName(285);
/// `OnlineStatus`
pub const ONLINE_STATUS: ElementName = ElementName(286);
/// `OtherServer`
pub const OTHER_SERVER: ElementName = ElementName(287);
/// `OwnProperties`
pub const OWN_PROPERTIES: ElementName = ElementName(288);
/// `PLMN`
pub const PLMN: ElementName = ElementName(289);
/// `PairID`
pub const PAIR_ID: ElementName = ElementName(290);
/// `ParserSize`
pub const PARSER_SIZE: ElementName = ElementName(291);
/// `Password`
pub const PASSWORD: ElementName = ElementName(292);
/// `PlainTextCharset`
pub const PLAIN_TEXT_CHARSET: ElementName = ElementName(293);
/// `Poll`
pub const POLL: ElementName = ElementName(294);
/// `Polling-Request`
pub const POLLING_REQUEST: ElementName = ElementName(295);
/// `PrefC`
pub const PREF_C: ElementName = ElementName(296);
/// `PreferredContacts`
pub const PREFERRED_CONTACTS: ElementName = ElementName(297);
/// `PreferredLanguage`
pub const PREFERRED_LANGUAGE: ElementName = ElementName(298);
/// `Presence`
pub const PRESENCE: ElementName = ElementName(299);
/// `PresenceAttributeNSName`
pub const PRESENCE_ATTRIBUTE_NS_NAME: ElementName = ElementName(300);
/// `PresenceAuth-Request`
pub const PRESENCE_AUTH_REQUEST: ElementName = ElementName(301);
/// `PresenceAuth-User`
pub const PRESENCE_AUTH_USER: ElementName = ElementName(302);
/// `PresenceAuthFunc`
pub const PRESENCE_AUTH_FUNC: ElementName = ElementName(303);
/// `PresenceDeliverFunc`
pub const PRESENCE_DELIVER_FUNC: ElementName = ElementName(304);
/// `PresenceFeat`
pub const PRESENCE_FEAT: ElementName = ElementName(305);
/// `PresenceNotification-Request`
pub const PRESENCE_NOTIFICATION_REQUEST: ElementName = ElementName(306);
/// `PresenceSubList`
pub const PRESENCE_SUB_LIST: ElementName = ElementName(307);
/// `PresenceValue`
pub const PRESENCE_VALUE: ElementName = ElementName(308);
/// `Property`
pub const PROPERTY: ElementName = ElementName(309);
/// `PublicProfile`
pub const PUBLIC_PROFILE: ElementName = ElementName(310);
/// `Qualifier`
pub const QUALIFIER: ElementName = ElementName(311);
/// `REACT`
pub const REACT: ElementName = ElementName(312);
/// `REJCM`
pub const REJCM: ElementName = ElementName(313);
/// `REJEC`
pub const REJEC: ElementName = ElementName(314);
/// `RMVGM`
pub const RMVGM: ElementName = ElementName(315);
/// `ReactiveAuthState`
pub const REACTIVE_AUTH_STATE: ElementName = ElementName(316);
/// `ReactiveAuthStatus`
pub const REACTIVE_AUTH_STATUS: ElementName = ElementName(317);
/// `ReactiveAuthStatusList`
pub const REACTIVE_AUTH_STATUS_LIST: ElementName = ElementName(318);
/// `ReceiveList`
pub const RECEIVE_LIST: ElementName = ElementName(319);
/// `Recipient`
pub const RECIPIENT: ElementName = ElementName(320);
/// `ReferredContent`
pub const REFERRED_CONTENT: ElementName = ElementName(321);
/// `ReferredvCard`
pub const REFERRED_V_CARD: ElementName = ElementName(322);
/// `Registration`
pub const REGISTRATION: ElementName = ElementName(323);
/// `RejectList-Request`
pub const REJECT_LIST_REQUEST: ElementName = ElementName(324);
/// `RejectList-Response`
pub const REJECT_LIST_RESPONSE: ElementName = ElementName(325);
/// `RejectMessage-Request`
pub const REJECT_MESSAGE_REQUEST: ElementName = ElementName(326);
/// `RemoveGroupMembers-Request`
pub const REMOVE_GROUP_MEMBERS_REQUEST: ElementName = ElementName(327);
/// `RemoveList`
pub const REMOVE_LIST: ElementName = ElementName(328);
/// `RemoveNickList`
pub const REMOVE_NICK_LIST: ElementName = ElementName(329);
/// `RequiresResponse`
pub const REQUIRES_RESPONSE: ElementName = ElementName(330);
/// `ResponseNote`
pub const RESPONSE_NOTE: ElementName = ElementName(331);
/// `Result`
pub const RESULT: ElementName = ElementName(332);
/// `SETD`
pub const SETD: ElementName = ElementName(333);
/// `SETGP`
pub const SETGP: ElementName = ElementName(334);
/// `SGMNT`
pub const SGMNT: ElementName = ElementName(335);
/// `SName`
pub const S_NAME: ElementName = ElementName(336);
/// `SRCH`
pub const SRCH: ElementName = ElementName(337);
/// `STSRC`
pub const STSRC: ElementName = ElementName(338);
/// `SUBGCN`
pub const SUBGCN: ElementName = ElementName(339);
/// `ScreenName`
pub const SCREEN_NAME: ElementName = ElementName(340);
/// `Search-Request`
pub const SEARCH_REQUEST: ElementName = ElementName(341);
/// `Search-Response`
pub const SEARCH_RESPONSE: ElementName = ElementName(342);
/// `SearchElement`
pub const SEARCH_ELEMENT: ElementName = ElementName(343);
/// `SearchFindings`
pub const SEARCH_FINDINGS: ElementName = ElementName(344);
/// `SearchFunc`
pub const SEARCH_FUNC: ElementName = ElementName(345);
/// `SearchID`
pub const SEARCH_ID: ElementName = ElementName(346);
/// `SearchIndex`
pub const SEARCH_INDEX: ElementName = ElementName(347);
/// `SearchLimit`
pub const SEARCH_LIMIT: ElementName = ElementName(348);
/// `SearchPair`
pub const SEARCH_PAIR: ElementName = ElementName(349);
/// `SearchPairList`
pub const SEARCH_PAIR_LIST: ElementName = ElementName(350);
/// `SearchResult`
pub const SEARCH_RESULT: ElementName = ElementName(351);
/// `SearchString`
pub const SEARCH_STRING: ElementName = ElementName(352);
/// `SegmentContent`
pub const SEGMENT_CONTENT: ElementName = ElementName(353);
/// `SegmentCount`
pub const SEGMENT_COUNT: ElementName = ElementName(354);
/// `SegmentID`
pub const SEGMENT_ID: ElementName = ElementName(355);
/// `SegmentInfo`
pub const SEGMENT_INFO: ElementName = ElementName(356);
/// `SegmentReference`
pub const SEGMENT_REFERENCE: ElementName = ElementName(357);
/// `SendMessage-Request`
pub const SEND_MESSAGE_REQUEST: ElementName = ElementName(358);
/// `SendMessage-Response`
pub const SEND_MESSAGE_RESPONSE: ElementName = ElementName(359);
/// `Sender`
pub const SENDER: ElementName = ElementName(360);
/// `ServerPollMin`
pub const SERVER_POLL_MIN: ElementName = ElementName(361);
/// `Service-Request`
pub const SERVICE_REQUEST: ElementName = ElementName(362);
/// `Service-Response`
pub const SERVICE_RESPONSE: ElementName = ElementName(363);
/// `ServiceFunc`
pub const SERVICE_FUNC: ElementName = ElementName(364);
/// `Session`
pub const SESSION: ElementName = ElementName(365);
/// `SessionCookie`
pub const SESSION_COOKIE: ElementName = ElementName(366);
/// `SessionDescriptor`
pub const SESSION_DESCRIPTOR: ElementName = ElementName(367);
/// `SessionID`
pub const SESSION_ID: ElementName = ElementName(368);
/// `SessionNSName`
pub const SESSION_NS_NAME: ElementName = ElementName(369);
/// `SessionPriority`
pub const SESSION_PRIORITY: ElementName = ElementName(370);
/// `SessionType`
pub const SESSION_TYPE: ElementName = ElementName(371);
/// `SetDeliveryMethod-Request`
pub const SET_DELIVERY_METHOD_REQUEST: ElementName = ElementName(372);
/// `SetGroupProps-Request`
pub const SET_GROUP_PROPS_REQUEST: ElementName = ElementName(373);
/// `Size`
pub const SIZE: ElementName = ElementName(374);
/// `Status`
pub const STATUS: ElementName = ElementName(375);
/// `StatusContent`
pub const STATUS_CONTENT: ElementName = ElementName(376);
/// `StatusMood`
pub const STATUS_MOOD: ElementName = ElementName(377);
/// `StatusText`
pub const STATUS_TEXT: ElementName = ElementName(378);
/// `StopSearch-Request`
pub const STOP_SEARCH_REQUEST: ElementName = ElementName(379);
/// `Street`
pub const STREET: ElementName = ElementName(380);
/// `Style`
pub const STYLE: ElementName = ElementName(381);
/// `SubscribeGroupNotice-Request`
pub const SUBSCRIBE_GROUP_NOTICE_REQUEST: ElementName = ElementName(382);
/// `SubscribeGroupNotice-Response`
pub const SUBSCRIBE_GROUP_NOTICE_RESPONSE: ElementName = ElementName(383);
/// `SubscribeNotification`
pub const SUBSCRIBE_NOTIFICATION: ElementName = ElementName(384);
/// `SubscribeNotification-Request`
pub const SUBSCRIBE_NOTIFICATION_REQUEST: ElementName = ElementName(385);
/// `SubscribePresence-Request`
pub const SUBSCRIBE_PRESENCE_REQUEST: ElementName = ElementName(386);
/// `SubscribeType`
pub const SUBSCRIBE_TYPE: ElementName = ElementName(387);
/// `SupportedBearer`
pub const SUPPORTED_BEARER: ElementName = ElementName(388);
/// `SupportedCIRMethod`
pub const SUPPORTED_CIR_METHOD: ElementName = ElementName(389);
/// `SupportedOfflineBearer`
pub const SUPPORTED_OFFLINE_BEARER: ElementName = ElementName(390);
/// `SystemMessage`
pub const SYSTEM_MESSAGE: ElementName = ElementName(391);
/// `SystemMessage-Request`
pub const SYSTEM_MESSAGE_REQUEST: ElementName = ElementName(392);
/// `SystemMessage-User`
pub const SYSTEM_MESSAGE_USER: ElementName = ElementName(393);
/// `SystemMessageID`
pub const SYSTEM_MESSAGE_ID: ElementName = ElementName(394);
/// `SystemMessageList`
pub const SYSTEM_MESSAGE_LIST: ElementName = ElementName(395);
/// `SystemMessageResponse`
pub const SYSTEM_MESSAGE_RESPONSE: ElementName = ElementName(396);
/// `SystemMessageResponseList`
pub const SYSTEM_MESSAGE_RESPONSE_LIST: ElementName = ElementName(397);
/// `SystemMessageText`
pub const SYSTEM_MESSAGE_TEXT: ElementName = ElementName(398);
/// `TCPAddress`
pub const TCP_ADDRESS: ElementName = ElementName(399);
/// `TCPPort`
pub const TCP_PORT: ElementName = ElementName(400);
/// `Text`
pub const TEXT: ElementName = ElementName(401);
/// `TimeToLive`
pub const TIME_TO_LIVE: ElementName = ElementName(402);
/// `TimeZone`
pub const TIME_ZONE: ElementName = ElementName(403);
/// `Transaction`
pub const TRANSACTION: ElementName = ElementName(404);
/// `TransactionContent`
pub const TRANSACTION_CONTENT: ElementName = ElementName(405);
/// `TransactionDescriptor`
pub const TRANSACTION_DESCRIPTOR: ElementName = ElementName(406);
/// `TransactionID`
pub const TRANSACTION_ID: ElementName = ElementName(407);
/// `TransactionMode`
pub const TRANSACTION_MODE: ElementName = ElementName(408);
/// `TransactionNSName`
pub const TRANSACTION_NS_NAME: ElementName = ElementName(409);
/// `TryAgainTimeout`
pub const TRY_AGAIN_TIMEOUT: ElementName = ElementName(410);
/// `UDPAddress`
pub const UDP_ADDRESS: ElementName = ElementName(411);
/// `UDPPort`
pub const UDP_PORT: ElementName = ElementName(412);
/// `UPDPR`
pub const UPDPR: ElementName = ElementName(413);
/// `URL`
pub const URL: ElementName = ElementName(414);
/// `URLList`
pub const URL_LIST: ElementName = ElementName(415);
/// `UnrecognizedUserID`
pub const UNRECOGNIZED_USER_ID: ElementName = ElementName(416);
/// `UnsubscribeNotification-Request`
pub const UNSUBSCRIBE_NOTIFICATION_REQUEST: ElementName = ElementName(417);
/// `UnsubscribePresence-Request`
pub const UNSUBSCRIBE_PRESENCE_REQUEST: ElementName = ElementName(418);
/// `UpdatePresence-Request`
pub const UPDATE_PRESENCE_REQUEST: ElementName = ElementName(419);
/// `UpdatePublicProfile-Request`
pub const UPDATE_PUBLIC_PROFILE_REQUEST: ElementName = ElementName(420);
/// `User`
pub const USER: ElementName = ElementName(421);
/// `UserAvailability`
pub const USER_AVAILABILITY: ElementName = ElementName(422);
/// `UserID`
pub const USER_ID: ElementName = ElementName(423);
/// `UserIDList`
pub const USER_ID_LIST: ElementName = ElementName(424);
/// `UserIDPair`
pub const USER_ID_PAIR: ElementName = ElementName(425);
/// `UserList`
pub const USER_LIST: ElementName = ElementName(426);
/// `UserMapList`
pub const USER_MAP_LIST: ElementName = ElementName(427);
/// `UserMapping`
pub const USER_MAPPING: ElementName = ElementName(428);
/// `UserNotify`
pub const USER_NOTIFY: ElementName = ElementName(429);
/// `UserSessionLimit`
pub const USER_SESSION_LIMIT: ElementName = ElementName(430);
/// `Users`
pub const USERS: ElementName = ElementName(431);
/// `VRID`
pub const VRID: ElementName = ElementName(432);
/// `ValidUserID`
pub const VALID_USER_ID: ElementName = ElementName(433);
/// `Validity`
pub const VALIDITY: ElementName = ElementName(434);
/// `Value`
pub const VALUE: ElementName = ElementName(435);
/// `VerificationKey`
pub const VERIFICATION_KEY: ElementName = ElementName(436);
/// `VerificationMechanism`
pub const VERIFICATION_MECHANISM: ElementName = ElementName(437);
/// `VerifyID-Request`
pub const VERIFY_ID_REQUEST: ElementName = ElementName(438);
/// `VerifyIDFunc`
pub const VERIFY_ID_FUNC: ElementName = ElementName(439);
/// `VersionList`
pub const VERSION_LIST: ElementName = ElementName(440);
/// `WV-CSP-Message`
pub const WV_CSP_MESSAGE: ElementName = ElementName(441);
/// `WV-CSP-VersionDiscovery-Request`
pub const WV_CSP_VERSION_DISCOVERY_REQUEST: ElementName = ElementName(442);
/// `WV-CSP-VersionDiscovery-Response`
pub const WV_CSP_VERSION_DISCOVERY_RESPONSE: ElementName = ElementName(443);
/// `WVCSPFeat`
pub const WV_CSP_FEAT: ElementName = ElementName(444);
/// `Watcher`
pub const WATCHER: ElementName = ElementName(445);
/// `WatcherCount`
pub const WATCHER_COUNT: ElementName = ElementName(446);
/// `WatcherStatus`
pub const WATCHER_STATUS: ElementName = ElementName(447);
/// `WelcomeNote`
pub const WELCOME_NOTE: ElementName = ElementName(448);
/// `Zone`
pub const ZONE: ElementName = ElementName(449);
