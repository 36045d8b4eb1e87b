package azure

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
)

const (
	graphPath = "/providers/Microsoft.ResourceGraph/resources"

	// graphRows is the most rows on a page of Resource Graph.
	graphRows = 1000

	// graphSubscriptions is the most subscriptions that one query may name.
	graphSubscriptions = 1000
)

// A rowsRequest is the body of a query.
type rowsRequest struct {
	Subscriptions []string    `json:"subscriptions"`
	Query         string      `json:"query"`
	Options       rowsOptions `json:"options"`
}

type rowsOptions struct {
	Format string `json:"resultFormat"`
	Top    int    `json:"$top"`
	Skip   string `json:"$skipToken,omitempty"`
}

// query returns the query of a type of resources. Its rows have the form of resources.
// Skip tokens need an order. Interfaces of virtual machines are left out.
func (s Scope) query(kind string) string {
	parts := []string{"resources", "where type =~ 'microsoft.network/" + kind + "'"}
	if kind == networkInterfaces {
		parts = append(parts, "where isnotnull(properties.privateEndpoint)")
	}
	if len(s.Groups) > 0 {
		parts = append(parts, "where resourceGroup in~ ('"+strings.Join(s.Groups, "', '")+"')")
	}
	return strings.Join(append(parts, "project id, name, type, properties", "order by id asc"), " | ")
}

// rows reads all rows of a query, and reports whether any page differs from before. A
// query without subscriptions would be one of all of them: it is not sent.
// Resource Graph counts the rows of a query on each page. If the pages have fewer,
// a resource was created or deleted while they were read, or rows are missing: they
// are read once more.
func (c *client) rows(ctx context.Context, query string, subscriptions []string, before []seenPage) (pages []seenPage, changed bool, err error) {
	for chunk := range slices.Chunk(subscriptions, graphSubscriptions) {
		known := before[min(len(pages), len(before)):]
		q := rowsRequest{chunk, query, rowsOptions{Format: "objectArray", Top: graphRows}}
		now, err := c.chunk(ctx, q, known)
		if short := (*shortError)(nil); errors.As(err, &short) {
			now, err = c.chunk(ctx, q, known)
		}
		if err != nil {
			return nil, false, err
		}
		pages = append(pages, now...)
	}
	changed = len(pages) != len(before)
	for i := range pages {
		changed = changed || pages[i].sum != before[i].sum
	}
	return pages, changed, nil
}

// A shortError reports pages with fewer rows than the query has.
type shortError struct{ rows, total int }

func (e *shortError) Error() string {
	return fmt.Sprintf("%d of %d rows arrived: half a listing is no listing, the next sync asks again", e.rows, e.total)
}

// chunk reads the pages of a query of at most graphSubscriptions subscriptions.
func (c *client) chunk(ctx context.Context, q rowsRequest, before []seenPage) (pages []seenPage, err error) {
	ids, tokens := map[string]bool{}, map[string]bool{}
	for {
		known := seenPage{}
		if len(pages) < len(before) {
			known = before[len(pages)]
		}
		page, err := c.rowsPage(ctx, q, known, len(pages) > 0)
		if err != nil {
			return nil, fmt.Errorf("page %d: %w", len(pages)+1, err)
		}
		for id := range page.marks {
			ids[id] = true
		}
		pages = append(pages, page)
		q.Options.Skip = page.page.Next
		switch {
		case q.Options.Skip == "" && len(ids) < page.total:
			return nil, &shortError{len(ids), page.total}
		case q.Options.Skip == "":
			return pages, nil
		case tokens[q.Options.Skip] || len(pages) == maxPages:
			return nil, fmt.Errorf("page %d: the listing does not end", len(pages)+1)
		}
		tokens[q.Options.Skip] = true
	}
}

// rowsPage reads one page. Before a further page it waits until the quota of queries
// is reset.
func (c *client) rowsPage(ctx context.Context, q rowsRequest, known seenPage, further bool) (page seenPage, err error) {
	if further {
		if err := c.quota.wait(ctx); err != nil {
			return page, err
		}
	}
	text, err := json.Marshal(q)
	if err != nil {
		return page, err
	}
	body, header, err := c.send(ctx, http.MethodPost, c.link(graphPath), text)
	if err != nil {
		return page, err
	}
	c.quota.note(header)
	if (outcome{body: body}).isHTML() {
		return page, errors.New("an HTML page in place of rows: " + c.pageAdvice(http.StatusOK))
	}
	return decodeRows(body, known)
}

// A rowsResponse is a page of rows. The keys that must be there are pointers.
type rowsResponse struct {
	Total     *int            `json:"totalRecords"`
	Count     *int            `json:"count"`
	Truncated json.RawMessage `json:"resultTruncated"`
	Skip      string          `json:"$skipToken"`
	Data      json.RawMessage `json:"data"`
	Error     json.RawMessage `json:"error"`
}

// decodeRows returns the page. A page with the rows of the known one is not decoded
// again; the tokens of two equal pages may differ.
func decodeRows(body []byte, known seenPage) (page seenPage, err error) {
	whole := sha256.Sum256(body)
	if whole == known.whole {
		return known, nil
	}
	var r rowsResponse
	if err := json.Unmarshal(body, &r); err != nil {
		return page, fmt.Errorf("not a page of rows: %w", err)
	}
	if err := r.check(); err != nil {
		return page, err
	}
	page = seenPage{sum: sha256.Sum256(r.Data), whole: whole, total: *r.Total}
	if page.sum == known.sum {
		page.page, page.marks = known.page, known.marks
		page.page.Next = r.Skip
		return page, nil
	}
	marks, rows, err := marksOf(r.Data)
	if err != nil {
		return page, err
	}
	if rows != *r.Count {
		return page, &shortError{rows, *r.Count}
	}
	page.marks = marks
	page.page, err = privateendpoint.DecodePage(slices.Concat([]byte(`{"value":`), r.Data, []byte("}")))
	page.page.Next = r.Skip
	return page, err
}

// check rejects every sign of half a listing.
func (r rowsResponse) check() error {
	truncated := casefold.Equal(string(bytes.Trim(r.Truncated, `"`)), "true")
	switch {
	case len(r.Error) > 0 && string(r.Error) != "null":
		return fmt.Errorf("an error beside the rows: %.80q", r.Error)
	case r.Total == nil || r.Count == nil || !bytes.HasPrefix(r.Data, []byte("[")):
		return errors.New("not a page of rows: it lacks data, count or totalRecords")
	case truncated && r.Skip == "":
		return errors.New("the rows are truncated, and the page has no token for the next one")
	}
	return nil
}

// seed is that of all marks of the process.
var seed = maphash.MakeSeed()

// marksOf returns a mark of the text of each resource, by its ID in lower case, and how
// many resources there are. A resource without properties is not whole.
func marksOf(array []byte) (marks map[string]uint64, n int, err error) {
	var all []json.RawMessage
	if err := json.Unmarshal(array, &all); err != nil {
		return nil, 0, err
	}
	marks = make(map[string]uint64, len(all))
	for i, text := range all {
		var head struct {
			ID         string
			Properties json.RawMessage
		}
		if err := json.Unmarshal(text, &head); err != nil || head.ID == "" {
			return nil, 0, fmt.Errorf("row %d is not a resource", i+1)
		}
		if !bytes.HasPrefix(head.Properties, []byte("{")) {
			return nil, 0, fmt.Errorf("row %d (%.200s) has no properties", i+1, head.ID)
		}
		marks[casefold.Lower(head.ID)] = maphash.Bytes(seed, text)
	}
	return marks, len(all), nil
}

// marksOfPage returns the marks of a page of private endpoints, and nil for any other.
func marksOfPage(link string, body []byte) map[string]uint64 {
	u, err := url.Parse(link)
	if err != nil || !strings.HasSuffix(casefold.Lower(u.Path), "/privateendpoints") {
		return nil
	}
	var page struct{ Value json.RawMessage }
	if json.Unmarshal(body, &page) != nil {
		return nil
	}
	marks, _, err := marksOf(page.Value)
	if err != nil {
		return nil
	}
	return marks
}
