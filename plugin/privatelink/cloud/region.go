package cloud

// Region returns the region of a geo code of Azure Backup, or "" for an unknown code.
func Region(code string) string {
	g, _ := find(func(g geo) bool { return g.code == code })
	return g.region
}
