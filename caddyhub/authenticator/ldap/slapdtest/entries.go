package slapdtest

// Users and groups that Directory has.
const (
	// Search is a DN that may search, with SearchPassword.
	Search = "cn=search," + Suffix
	// SearchPassword is the password of Search.
	SearchPassword = "search password"
	// People is where the users are: ada, grace, eve, "mary ann", "o'neil, jr",
	// straße and *. The password of each is Password.
	People = "ou=people," + Suffix
	// Password is that of every user.
	Password = "Engine-1"
	// Groups is where the groups are: physics (ada), science (the group physics),
	// university (the groups science and university), admins (grace) and, by
	// memberUid, posix (eve).
	Groups = "ou=groups," + Suffix
)

// Directory is LDIF with users and groups that are good for most tests.
const Directory = `dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: cn=search,dc=example,dc=org
objectClass: applicationProcess
objectClass: simpleSecurityObject
cn: search
userPassword: search password

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=org
objectClass: organizationalUnit
ou: groups

dn: uid=ada,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: ada
cn: Ada Lovelace
sn: Lovelace
mail: ada@example.org
userPassword: Engine-1

dn: uid=Grace,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: Grace
cn: Grace Hopper
sn: Hopper
mail: grace@example.org
userPassword: Engine-1

dn: uid=eve,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: eve
cn: Eve
sn: Eve
mail: shared@example.org
userPassword: Engine-1

dn: uid=mary ann,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: mary ann
cn: Mary Ann
sn: Ann
mail: shared@example.org
userPassword: Engine-1

dn: uid=o'neil\, jr,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: o'neil, jr
cn: O'Neil
sn: O'Neil
userPassword: Engine-1

dn:: dWlkPXN0cmHDn2Usb3U9cGVvcGxlLGRjPWV4YW1wbGUsZGM9b3Jn
objectClass: inetOrgPerson
uid:: c3RyYcOfZQ==
cn: Strasse
sn: Strasse
userPassword: Engine-1

dn: uid=*,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: *
cn: Star
sn: Star
userPassword: Engine-1

dn: uid=nopassword,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: nopassword
cn: Nobody
sn: Nobody

dn: cn=physics,ou=groups,dc=example,dc=org
objectClass: groupOfNames
cn: physics
member: uid=ada,ou=people,dc=example,dc=org

dn: cn=science,ou=groups,dc=example,dc=org
objectClass: groupOfNames
cn: science
member: cn=physics,ou=groups,dc=example,dc=org

dn: cn=university,ou=groups,dc=example,dc=org
objectClass: groupOfUniqueNames
cn: university
uniqueMember: cn=science,ou=groups,dc=example,dc=org
uniqueMember: cn=university,ou=groups,dc=example,dc=org

dn: cn=admins,ou=groups,dc=example,dc=org
objectClass: groupOfUniqueNames
cn: admins
uniqueMember: uid=grace,ou=people,dc=example,dc=org

dn: cn=posix,ou=groups,dc=example,dc=org
objectClass: posixGroup
cn: posix
gidNumber: 5000
memberUid: eve
`
