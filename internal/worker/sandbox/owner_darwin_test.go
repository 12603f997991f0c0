package sandbox

// beOwner is for a test that looks at all processes, which Linux shows.
func beOwner() bool { return false }
