package main

// page returns the page with the table.
func page(table string) string {
	return `# Speed beside other DNS servers

CPU time of the whole server process for each answered query, in microseconds, beside the servers that people run.
` + "`make bench-peers`" + ` makes this table: it starts all servers on the loopback address of one machine with the same records,
and sends each the same queries in turn, as many as it answers. A lower figure is better. *lost* is how many queries had
no reply in all rounds together.

` + table + `
The figures of different machines cannot be compared, and neither can those of two runs. The load generator shares the
CPUs with the servers, and other programs may have run. Networks, drivers and interrupts, which cost more than the loopback interface, are not part of it.

- **privatelink-dns** has the default Corefile: *prometheus*, *acl*, *bufsize*, *local*, *any* and *fastpath*.
- **CoreDNS** is built from the module in go.mod, with stock *file* and *cache* in place of *privatelink* and *lru* and
  the same other plugins.
- **NSD** has one server process, **Knot DNS** two UDP workers, **Unbound** two threads with ` + "`local-data`" + `. NSD and Knot DNS
  are authoritative servers, so they have no figure for foreign names.
- The queries come from 8 ports and have EDNS with 1232 octets; 128 are under way at a time. From more ports a query costs
  each server more, and *fastpath* most: it sends replies to one port together.
- The public account names are answered with a CNAME record and a private address. Unbound does not know the private
  endpoints: it has the public answers in its cache.
`
}
