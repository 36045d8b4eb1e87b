package dnsname

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	label63, long := strings.Repeat("a", 63), strings.Repeat("abcdefg.", 31)
	for _, tc := range []struct{ name, in, want, err string }{
		{"spelling of Azure", "acct.blob.core.windows.net", "acct.blob.core.windows.net.", ""},
		{"trailing dot", "acct.blob.core.windows.net.", "acct.blob.core.windows.net.", ""},
		{"upper case", "Acct.BLOB.core.Windows.NET", "acct.blob.core.windows.net.", ""},
		{"a Site Recovery label that ends in a hyphen", "v-asr-pod01-id1-.wus.privatelink.siterecovery.windowsazure.com", "v-asr-pod01-id1-.wus.privatelink.siterecovery.windowsazure.com.", ""},
		{"underscore", "_x.example", "_x.example.", ""},
		{"longest label", label63 + ".example", label63 + ".example.", ""},
		{"longest name", long + "abcde", long + "abcde.", ""},
		{"empty", "", "", "the domain name is empty"},
		{"root", ".", "", "the domain name is empty"},
		{"empty label", "a..example", "", `"a..example": a label is empty`},
		{"leading dot", ".example", "", `".example": a label is empty`},
		{"label too long", label63 + "a.example", "", `"` + label63 + `a.example": label "` + label63 + `a" has 64 characters, at most 63 are allowed`},
		{"name too long", long + "abcdef", "", `"` + long[:80] + `"…: a domain name has at most 253 characters, this one has 254`},
		{"name of 300 characters", strings.Repeat("a", 300), "", `"` + strings.Repeat("a", 80) + `"…: a domain name has at most 253 characters, this one has 300`},
		{"blank inside", "a b.example", "", `"a b.example": ' ' is not allowed in a domain name`},
		{"wildcard", "*.example", "", `"*.example": '*' is not allowed in a domain name`},
		{"escape", `a\046b.example`, "", `"a\\046b.example": '\\' is not allowed in a domain name`},
		{"not ASCII", "ä.example", "", `"ä.example": 'ä' (U+00E4) is not allowed in a domain name`},
		{"Kelvin sign", "bac\u212Aup.example", "", `"bacKup.example": 'K' (U+212A) is not allowed in a domain name`},
		{"dotted capital I", "\u0130d.example", "", `"İd.example": 'İ' (U+0130) is not allowed in a domain name`},
		{"long s", "\u017Ft.example", "", `"ſt.example": 'ſ' (U+017F) is not allowed in a domain name`},
		{"newline", "a\n.example", "", `"a\n.example": '\n' is not allowed in a domain name`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := Parse(tc.in)
			if string(got) != tc.want || text(err) != tc.err {
				t.Errorf("Parse(%q) = %q, %q; want %q, %q", tc.in, string(got), text(err), tc.want, tc.err)
			}
		})
	}
}

func TestParseOwner(t *testing.T) {
	long := strings.Repeat("abcdefg.", 31)
	for _, tc := range []struct{ name, in, want, err string }{
		{"no wildcard", "Acct.blob.core.windows.net", "acct.blob.core.windows.net.", ""},
		{"wildcard", "*.API.azureml.ms.", "*.api.azureml.ms.", ""},
		{"longest wildcard", "*." + long + "abc", "*." + long + "abc.", ""},
		{"wildcard too long", "*." + long + "abcd", "", `"*.` + long[:78] + `"…: a domain name has at most 253 characters, this one has 254`},
		{"not the whole label", "a*.example", "", `"a*.example": '*' is allowed only as the whole first label`},
		{"not the first label", "a.*.example", "", `"a.*.example": '*' is allowed only as the whole first label`},
		{"two wildcards", "*.*.example", "", `"*.*.example": '*' is allowed only as the whole first label`},
		{"wildcard without a parent", "*", "", `"*": '*' is allowed only as the whole first label`},
		{"wildcard with an empty parent label", "*..example", "", `"*..example": a label is empty`},
		{"wildcard with a dot only", "*.", "", `"*.": '*' is not allowed in a domain name`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := ParseOwner(tc.in)
			if string(got) != tc.want || text(err) != tc.err {
				t.Errorf("ParseOwner(%q) = %q, %q; want %q, %q", tc.in, string(got), text(err), tc.want, tc.err)
			}
		})
	}
}

func TestText(t *testing.T) {
	for _, in := range []Name{"a.example.", "*.example."} {
		text, err := in.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var got Name
		if err := got.UnmarshalText(text); err != nil || got != in {
			t.Errorf("%q becomes %q, %v", in, got, err)
		}
	}
}

func TestCutSuffix(t *testing.T) {
	for _, tc := range []struct {
		name, parent Name
		labels       string
		ok           bool
	}{
		{"a.b.example.", "example.", "a.b", true},
		{"example.", "example.", "", true},
		{"aexample.", "example.", "aexample.", false},
		{"example.", "a.example.", "example.", false},
		{"a.example.", ".", "a.example", true},
		{".", ".", "", true},
		{".", "example.", "", false},
	} {
		labels, ok := tc.name.CutSuffix(tc.parent)
		if ok != tc.ok || ok && labels != tc.labels {
			t.Errorf("%q.CutSuffix(%q) = %q, %v; want %q, %v", string(tc.name), string(tc.parent), labels, ok, tc.labels, tc.ok)
		}
	}
}

func TestBelowAny(t *testing.T) {
	for _, tc := range []struct {
		name  Name
		names []Name
		want  bool
	}{
		{"a.example.", nil, false},
		{"a.example.", []Name{"b.example.", "a.example."}, true},
		{"c.a.example.", []Name{"b.example.", "a.example."}, true},
		{"example.", []Name{"b.example.", "a.example."}, false},
		{"a.example.", []Name{"."}, true},
	} {
		if got := tc.name.BelowAny(tc.names); got != tc.want {
			t.Errorf("%s.BelowAny(%s) = %v; want %v", tc.name, tc.names, got, tc.want)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestJoin(t *testing.T) {
	for _, tt := range []struct {
		names []Name
		want  string
	}{
		{nil, ""},
		{[]Name{"."}, "."},
		{[]Name{"a.example.", "b.example."}, "a.example, b.example"},
	} {
		if got := Join(tt.names, ", "); got != tt.want {
			t.Errorf("Join(%q) = %q; want %q", tt.names, got, tt.want)
		}
	}
}
