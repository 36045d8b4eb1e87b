// Package packages tests the packages that `make packages` builds: their files, and, with
// `make check-packages`, their installation in a clean Debian.
package packages
