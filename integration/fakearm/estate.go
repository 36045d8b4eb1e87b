package fakearm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

// An Estate is the private endpoints of each subscription, in the order in which
// they are listed.
type Estate map[string][]Endpoint

// An Endpoint is a private endpoint, its network interface and its zone group.
// The package comment has the meaning of the fields.
type Endpoint struct {
	Name         string `json:"name"`
	Group        string `json:"group"`
	VNet         string `json:"vnet,omitempty"`
	Status       string `json:"status,omitempty"`
	Provisioning string `json:"provisioning,omitempty"`
	Manual       bool   `json:"manual,omitempty"`
	ZoneGroup    bool   `json:"zoneGroup,omitempty"`
	NoNIC        bool   `json:"noNic,omitempty"`
	Names        []Name `json:"names"`

	Target string `json:"target,omitempty"` // kind and name of the connected resource; a vault by default
	Member string `json:"member,omitempty"` // its group ID; AzureBackup by default
}

// A Name is one address of one name.
type Name struct {
	FQDN string `json:"fqdn"`
	IP   string `json:"ip"`
}

// WriteFile writes the estate as an estate file.
func (e Estate) WriteFile(path string) error {
	data, err := json.MarshalIndent(map[string]Estate{"subscriptions": e}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

// decode reads an estate file. A key that it does not know is an error, or a
// typing error would look like a fault of the program under test.
func decode(data []byte) (Estate, Directory, []Fault, error) {
	var f struct {
		Estate Estate `json:"subscriptions"`
		Directory
		Faults []Fault `json:"faults"`
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, Directory{}, nil, err
	}
	for _, fault := range f.Faults {
		if !slices.Contains(kinds, fault.Kind) {
			return nil, Directory{}, nil, fmt.Errorf("fault %q: the kinds are %q", fault.Kind, kinds)
		}
	}
	return f.Estate, f.Directory, f.Faults, nil
}

// readEstate reads the file at each request: its content shows for certain whether it
// has changed, its time does not. A file that is wrong is reported once.
func (s *Server) readEstate() error {
	if s.config.EstateFile == "" {
		return nil
	}
	data, err := os.ReadFile(s.config.EstateFile)
	if err != nil {
		return fmt.Errorf("read the estate: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil && bytes.Equal(data, s.file) {
		return nil
	}
	s.file = data
	estate, directory, faults, err := decode(data)
	if err != nil {
		return fmt.Errorf("read the estate: %s: %w", s.config.EstateFile, err)
	}
	s.estate, s.directory, s.faults = estate, directory, faults
	s.changedLocked()
	return nil
}

// SetEstate replaces the estate, which the caller leaves alone from then on.
func (s *Server) SetEstate(e Estate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.estate = e
	s.changedLocked()
}

// Update changes the estate, in place if it likes, between two answers.
func (s *Server) Update(change func(Estate)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s.estate)
	s.changedLocked()
}

// subscriptionLocked returns a subscription's ID as the estate spells it, and its
// endpoints.
func (s *Server) subscriptionLocked(id string) (string, []Endpoint, bool) {
	for known, endpoints := range s.estate {
		if strings.EqualFold(known, id) {
			return known, endpoints, true
		}
	}
	return "", nil, false
}
