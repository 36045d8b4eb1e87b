package main

// page returns the page with the table.
func page(table string) string {
	return `# Speed beside other DNS servers

CPU time of the whole server process for each answered query, in microseconds, beside the servers that people run.
` + "`make bench-peers`" + ` makes this page: it starts all servers on the loopback address of one machine with the same records,
and sends each the same queries in turn, as many as it answers. A lower figure is better. *lost* is how many queries had
no reply in all rounds together.

` + table + `
The figures of different machines cannot be compared, and neither can those of two runs. The load generator shares the
CPUs with the servers, and other programs may have run. Networks, drivers and interrupts, which cost more than the
loopback interface, are not part of it. On a busy machine the figures of one server scatter by a half; the second table
compares the figures of each round, in which the servers have the same load one after the other.

- **privatelink-dns** has the plugins of the default Corefile: *prometheus*, *acl*, *cookies*, *bufsize*, *local*, *any*, *fastpath*,
  *privatelink*, *lru* and *upstream*.
- **CoreDNS** is built from the module in go.mod, with stock *file*, *cache* and *forward* in place of *privatelink*,
  *lru* and *upstream*, and the same other plugins.
- **NSD** has one server process, **Knot DNS** two UDP workers, **Unbound** two threads with ` + "`local-data`" + `. NSD and Knot DNS
  are authoritative servers, so they have no figure for foreign names.
- The queries have EDNS with 1232 octets. They come from 8 ports unless the column names others, and 128 are under way at
  a time: 16 from each of 8 ports, 4 from each of 32, one from each of 128. *fastpath* sends replies to one port
  together, so a query costs less with few ports. With 128, each reply wakes up a client that waits for it. The loopback
  interface does that in the time of the server, and all servers cost nearly the same. A network does not do that.
- The p99 is that of each thousand queries, and of these the median, so that a wait for other programs counts once.
- A miss of W4 is a name that was never asked before. The chain asks the upstream for it.
- The public account names are answered with a CNAME record and a private address. Unbound does not know the private
  endpoints: it has the public answers in its cache.
`
}
