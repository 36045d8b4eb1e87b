//go:build !windows

package corefile

func resolvers() ([]string, error) { return fromFile("/etc/resolv.conf") }
