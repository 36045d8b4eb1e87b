//go:build !linux

// Command bench compares DNS servers, on Linux only.
package main

import "fmt"

func main() { fmt.Println("bench runs on Linux only: it reads the CPU time of the servers from /proc") }
