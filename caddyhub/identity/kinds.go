package identity

// Kinds of records, for those who follow the store's feed to learn that
// somebody's rights may have changed. A change of a session or token shows in
// the index of its user: what is deleted there was ended or has expired.
const (
	// KindUser has ids of store.Join(name).
	KindUser = "user"
	// KindUserNumber has one small record for each user.
	KindUserNumber = "user_number"
	// KindGroup and KindRole are what users have rights by.
	KindGroup = "group"
	KindRole  = "role"
	// KindService has ids of store.Join(name).
	KindService = "service"
	// KindSessionOfUser has ids of store.Join(user, session).
	KindSessionOfUser = "session_of_user"
	// KindTokenOfOwner has ids of store.Join("user" or "service", name, token).
	KindTokenOfOwner = "token_of_owner"
)
