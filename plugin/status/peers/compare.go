package peers

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
	"github.com/privatelink-dns/privatelink-dns/plugin/status/view"
)

// A target is a server with the differences that the comparisons found. One goroutine
// uses it.
type target struct {
	Target
	differs map[string]difference // by name, or by zone
	silent  time.Time             // since when it does not answer; zero if it does
}

type difference struct {
	text  string
	since time.Time
}

// A question is one query with the answer that is expected.
type question struct {
	name  string
	qtype uint16
	want  []string // serial, or addresses

	// optional is for a zone without records, which the server need not have: the default
	// zones of the clouds are more than those of an administrator.
	optional bool
}

// compare asks the server once for everything, or for a part that differs each time.
func (t *target) compare(ctx context.Context, snapshots []*zone.Snapshot, now time.Time) view.Peer {
	state := view.Peer{Address: t.Address, Role: t.Role, Checked: now}
	questions, all := t.questions(snapshots)
	conn, err := dial(ctx, t.Address)
	if err != nil {
		return t.unreachable(state, err.Error())
	}
	defer conn.Close()
	asked := map[string]bool{}
	for i, q := range questions {
		text, err := ask(ctx, conn, q)
		if err != nil && i == 0 {
			return t.unreachable(state, "it does not answer")
		}
		if err != nil {
			break // the next round asks for the rest
		}
		asked[q.name] = true
		t.note(q, text, now)
	}
	t.silent = time.Time{}
	t.forget(questions, asked)
	return t.summary(state, len(asked), all)
}

func (t *target) unreachable(state view.Peer, text string) view.Peer {
	if t.silent.IsZero() {
		t.silent = state.Checked
	}
	state.Text = text
	state.InStep = state.Checked.Sub(t.silent) < 2*every-every/2 // one lost packet is normal
	if state.InStep {
		state.Text += ", it is asked again"
	}
	return state
}

// questions returns what is asked in this round, those that differed last first, and how
// many there are in all.
func (t *target) questions(snapshots []*zone.Snapshot) (some []question, all int) {
	for _, s := range snapshots {
		for _, z := range s.Zones {
			if t.Role == Secondary {
				if all++; len(some) < maxZones {
					some = append(some, question{string(z.Name), dns.TypeSOA, []string{fmt.Sprint(z.Serial)}, isEmpty(z)})
				}
				continue
			}
			for r := range z.Records() { // in another order each time
				all++
				if _, again := t.differs[string(r.Name)]; again || len(some) < maxNames {
					some = append(some, questionOf(r))
				}
			}
		}
	}
	slices.SortStableFunc(some, func(a, b question) int { return t.order(b) - t.order(a) })
	return some[:min(len(some), maxNames)], all
}

func (t *target) order(q question) int {
	if _, again := t.differs[q.name]; again {
		return 1
	}
	return 0
}

func isEmpty(z *zone.Zone) bool {
	for range z.Records() {
		return false
	}
	return true
}

// questionOf asks for IPv4, unless the record has IPv6 only.
func questionOf(r *zone.Record) question {
	q := question{name: string(r.Name), qtype: dns.TypeA}
	if !r.Addrs[0].Is4() {
		q.qtype = dns.TypeAAAA
	}
	for _, addr := range r.Addrs {
		if addr.Is4() == (q.qtype == dns.TypeA) {
			q.want = append(q.want, addr.String())
		}
	}
	slices.Sort(q.want)
	return q
}

func dial(ctx context.Context, address string) (*dns.Conn, error) {
	d := net.Dialer{Timeout: timeout}
	conn, err := d.DialContext(ctx, "udp", address)
	if err != nil {
		return nil, err
	}
	return &dns.Conn{Conn: conn}, nil
}

// ask returns how the answer differs from the expected one, or "".
func ask(ctx context.Context, conn *dns.Conn, q question) (string, error) {
	m := new(dns.Msg).SetQuestion(q.name, q.qtype)
	m.RecursionDesired = false
	m.SetEdns0(1232, false)
	client := dns.Client{Timeout: timeout}
	reply, _, err := client.ExchangeWithConnContext(ctx, m, conn)
	if err != nil {
		return "", err
	}
	if reply.Truncated {
		return "", nil // more addresses than a datagram has room for
	}
	if reply.Rcode != dns.RcodeSuccess && q.optional {
		return "", nil
	}
	if reply.Rcode != dns.RcodeSuccess {
		return dns.RcodeToString[reply.Rcode], nil
	}
	got := answersOf(reply, q.qtype)
	if slices.Equal(got, q.want) {
		return "", nil
	}
	if q.qtype == dns.TypeSOA {
		return fmt.Sprintf("serial %s, here %s", strings.Join(got, " "), q.want[0]), nil
	}
	if len(got) == 0 {
		return "no address", nil
	}
	return strings.Join(got[:min(len(got), 3)], " "), nil
}

func answersOf(m *dns.Msg, qtype uint16) (all []string) {
	for _, rr := range m.Answer {
		switch rr := rr.(type) {
		case *dns.SOA:
			all = append(all, fmt.Sprint(rr.Serial))
		case *dns.A:
			if addr, ok := netip.AddrFromSlice(rr.A); ok && qtype == dns.TypeA {
				all = append(all, addr.Unmap().String())
			}
		case *dns.AAAA:
			if addr, ok := netip.AddrFromSlice(rr.AAAA); ok && qtype == dns.TypeAAAA {
				all = append(all, addr.String())
			}
		}
	}
	slices.Sort(all)
	return all
}

func (t *target) note(q question, text string, now time.Time) {
	if text == "" {
		delete(t.differs, q.name)
		return
	}
	since := now
	if before, again := t.differs[q.name]; again {
		since = before.since
	}
	t.differs[q.name] = difference{text, since}
}

// forget drops the differences of names that are served no more. Names that had no answer
// stay.
func (t *target) forget(questions []question, asked map[string]bool) {
	served := map[string]bool{}
	for _, q := range questions {
		served[q.name] = true
	}
	for name := range t.differs {
		if !asked[name] && !served[name] {
			delete(t.differs, name)
		}
	}
}

// summary is the state after a comparison.
func (t *target) summary(state view.Peer, asked, all int) view.Peer {
	what := map[string]string{Secondary: "zone", Instance: "name"}[t.Role]
	if len(t.differs) == 0 {
		state.InStep = true
		state.Text = fmt.Sprintf("in step, compared %ss: %d of %d", what, asked, all)
		return state
	}
	oldest := state.Checked
	for name, d := range t.differs {
		if d.since.Before(oldest) {
			oldest = d.since
		}
		state.Names = append(state.Names, fmt.Sprintf("%s (%s)", strings.TrimSuffix(name, "."), d.text))
	}
	slices.Sort(state.Names)
	state.InStep = state.Checked.Sub(oldest) < catchUpTime
	state.Text = fmt.Sprintf("%ss that differ since %s: %d", what, oldest.Local().Format("15:04:05"), len(t.differs))
	if state.InStep {
		state.Text += fmt.Sprintf(", normal for %s", view.Span(catchUpTime))
	}
	state.Names = state.Names[:min(len(state.Names), maxShown)]
	return state
}
