//go:build !unix

package atomicfile

// Writable returns an error for a path that Replace cannot follow. Only a write shows
// whether this user may write to a folder of Windows.
func Writable(path string) error {
	_, err := Target(path)
	return err
}
