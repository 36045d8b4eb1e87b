// Package dnstest reads and writes DNS messages as one line of text, so that a
// row of a test table has the upstream's response and the expected one:
//
//	RCODE flags: answer; answer / authority / additional
//
// The flags are aa, tc, ad, no-ra, and EDE with its code. A record may leave out
// the owner name that follows from the record before it, which is the target of
// a CNAME record and the owner name otherwise:
//
//	NOERROR ad: www.example. 60 CNAME a.example.; A 192.0.2.1; A 192.0.2.2
//	NXDOMAIN aa EDE 15: / example. 300 SOA
package dnstest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// Parse returns the response that the text describes, without a question. RD and
// RA are set, except for RA if the text has no-ra. The default TTL is 3600 s. An SOA
// record may leave out its data.
func Parse(text string) (*dns.Msg, error) {
	head, sections, ok := strings.Cut(text, ":")
	if !ok {
		return nil, fmt.Errorf("%q has no colon after the RCODE and the flags", text)
	}
	m := &dns.Msg{MsgHdr: dns.MsgHdr{Response: true, RecursionDesired: true, RecursionAvailable: true}}
	if err := parseHead(m, strings.Fields(head)); err != nil {
		return nil, fmt.Errorf("%q: %w", text, err)
	}
	to := []*[]dns.RR{&m.Answer, &m.Ns, &m.Extra}
	for i, section := range strings.Split(sections, " /") {
		if i == len(to) {
			return nil, fmt.Errorf("%q has more than three sections", text)
		}
		rrs, err := parseSection(section)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", text, err)
		}
		*to[i] = append(rrs, *to[i]...) // the OPT record is the last one
	}
	return m, nil
}

func parseHead(m *dns.Msg, words []string) error {
	for i := 0; i < len(words); i++ {
		rcode, known := dns.StringToRcode[words[i]]
		switch {
		case i == 0 && known:
			m.Rcode = rcode
		case words[i] == "aa":
			m.Authoritative = true
		case words[i] == "ad":
			m.AuthenticatedData = true
		case words[i] == "tc":
			m.Truncated = true
		case words[i] == "no-ra":
			m.RecursionAvailable = false
		case words[i] == "EDE" && i+1 < len(words):
			i++
			code, err := strconv.ParseUint(words[i], 10, 16)
			if err != nil {
				return err
			}
			addEDE(m, uint16(code))
		default:
			return fmt.Errorf("unknown word %q", words[i])
		}
	}
	return nil
}

func addEDE(m *dns.Msg, code uint16) {
	if m.IsEdns0() == nil {
		m.SetEdns0(1232, false)
	}
	opt := m.IsEdns0()
	opt.Option = append(opt.Option, &dns.EDNS0_EDE{InfoCode: code})
}

func parseSection(text string) (rrs []dns.RR, err error) {
	owner := ""
	for record := range strings.SplitSeq(text, ";") {
		fields := strings.Fields(record)
		if len(fields) == 0 {
			continue
		}
		if _, isType := dns.StringToType[fields[0]]; isType {
			fields = append([]string{owner}, fields...)
		}
		if len(fields) < 4 && fields[len(fields)-1] == "SOA" {
			fields = append(fields, "ns.example. host.example. 1 2 3 4 300")
		}
		rr, err := dns.NewRR(strings.Join(fields, " "))
		if err != nil {
			return nil, err
		}
		rrs, owner = append(rrs, rr), next(rr)
	}
	return rrs, nil
}

// next returns the owner name that the record after rr has if it has none.
func next(rr dns.RR) string {
	if alias, ok := rr.(*dns.CNAME); ok {
		return alias.Target
	}
	return rr.Header().Name
}

// Show writes a message as Parse reads it. Each record has its owner name and its
// TTL. The data of SOA records is left out, and of the OPT record all but EDE.
func Show(m *dns.Msg) string {
	return show(m, func(rrs []dns.RR) string {
		var texts []string
		for _, rr := range rrs {
			texts = append(texts, fmt.Sprintf("%s %d %s", rr.Header().Name, rr.Header().Ttl, data(rr)))
		}
		return strings.Join(texts, "; ")
	})
}

// Brief is Show without the TTLs and the owner names that follow from the record
// before.
func Brief(m *dns.Msg) string { return show(m, BriefRecords) }

// BriefRecords writes one section as Brief does.
func BriefRecords(rrs []dns.RR) string {
	var texts []string
	owner := ""
	for _, rr := range rrs {
		text := data(rr)
		if rr.Header().Name != owner {
			text = rr.Header().Name + " " + text
		}
		texts, owner = append(texts, text), next(rr)
	}
	return strings.Join(texts, "; ")
}

func show(m *dns.Msg, records func([]dns.RR) string) string {
	isOPT := func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeOPT }
	text, separators := strings.Join(head(m), " ")+":", ""
	for _, section := range [][]dns.RR{m.Answer, m.Ns, slices.DeleteFunc(slices.Clone(m.Extra), isOPT)} {
		if len(section) > 0 {
			text += separators + " " + records(section)
			separators = ""
		}
		separators += " /"
	}
	return text
}

// head returns the RCODE and the flags.
func head(m *dns.Msg) []string {
	words := []string{dns.RcodeToString[m.Rcode]}
	for _, flag := range []struct {
		on   bool
		name string
	}{{m.Authoritative, "aa"}, {m.Truncated, "tc"}, {m.AuthenticatedData, "ad"}, {!m.RecursionAvailable, "no-ra"}} {
		if flag.on {
			words = append(words, flag.name)
		}
	}
	if opt := m.IsEdns0(); opt != nil {
		for _, option := range opt.Option {
			if ede, ok := option.(*dns.EDNS0_EDE); ok {
				words = append(words, fmt.Sprintf("EDE %d", ede.InfoCode))
			}
		}
	}
	return words
}

// data writes the type and the data of a record.
func data(rr dns.RR) string {
	kind := dns.TypeToString[rr.Header().Rrtype]
	if kind == "SOA" {
		return kind
	}
	return kind + " " + strings.TrimPrefix(rr.String(), rr.Header().String())
}
