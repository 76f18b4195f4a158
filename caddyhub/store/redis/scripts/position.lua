-- Returns epoch, version and id of the last commit.
return { epoch, version, last }
