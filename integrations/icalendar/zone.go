package icalendar

import (
	"errors"
	"fmt"
	"strings"
	"time"

	ical "github.com/emersion/go-ical"
)

// zones finds the zones that a calendar names.
type zones struct {
	floating *time.Location    // of times that name none
	meant    map[string]string // TZID -> what its VTIMEZONE says it is
}

func zonesOf(cal *ical.Calendar) zones {
	z := zones{floating: time.UTC, meant: map[string]string{}}
	for _, child := range cal.Children {
		if child.Name != ical.CompTimezone {
			continue
		}
		id, is := child.Props.Get(ical.PropTimezoneID), child.Props.Get("X-LIC-LOCATION")
		if id != nil && is != nil {
			z.meant[id.Value] = is.Value
		}
	}
	if p := cal.Props.Get("X-WR-TIMEZONE"); p != nil {
		if loc, err := z.find(p.Value); err == nil {
			z.floating = loc
		}
	}
	return z
}

// find loads a zone by its name in the database of zones, also where a product
// puts its own name in front, and by the names that Windows gives.
func (z zones) find(id string) (*time.Location, error) {
	id = strings.Trim(id, `"`)
	names := []string{id, z.meant[id], windows[id]}
	if parts := strings.Split(id, "/"); len(parts) > 2 {
		names = append(names, strings.Join(parts[len(parts)-2:], "/"))
	}
	for _, name := range names {
		if name == "" || name == "Local" || len(name) > 100 {
			continue
		}
		if loc, err := time.LoadLocation(name); err == nil {
			return loc, nil
		}
	}
	return nil, fmt.Errorf("the time zone %q is not known", cut(id, 60))
}

var errTime = errors.New("this is not a time")

// time reads DATE or DATE-TIME.
func (z zones) time(p *ical.Prop) (time.Time, error) {
	at, err := z.parse(p, p.Value)
	return at, err
}

func (z zones) parse(p *ical.Prop, value string) (time.Time, error) {
	loc := z.floating
	if id := p.Params.Get(ical.PropTimezoneID); id != "" && !strings.HasSuffix(value, "Z") {
		var err error
		if loc, err = z.find(id); err != nil {
			return time.Time{}, err
		}
	}
	for layout, in := range map[string]*time.Location{"20060102": loc, "20060102T150405": loc, "20060102T150405Z": time.UTC} {
		if at, err := time.ParseInLocation(layout, value, in); err == nil && len(layout) == len(value) {
			return at, nil
		}
	}
	return time.Time{}, errTime
}

// times reads lists of times; a period counts by its beginning.
func (z zones) times(props []ical.Prop) ([]time.Time, error) {
	var out []time.Time
	for i := range props {
		for _, one := range strings.Split(props[i].Value, ",") {
			if len(out) == maxExceptions {
				return nil, fmt.Errorf("there are more than %d", maxExceptions)
			}
			one, _, _ = strings.Cut(one, "/")
			at, err := z.parse(&props[i], strings.TrimSpace(one))
			if err != nil {
				return nil, err
			}
			out = append(out, at)
		}
	}
	return out, nil
}

// windows are the names that calendars from Windows give to zones; the common
// ones, after the table windowsZones of Unicode CLDR.
var windows = map[string]string{
	"UTC": "Etc/UTC", "GMT Standard Time": "Europe/London", "Greenwich Standard Time": "Atlantic/Reykjavik",
	"W. Europe Standard Time": "Europe/Berlin", "Romance Standard Time": "Europe/Paris", "Central Europe Standard Time": "Europe/Budapest",
	"Central European Standard Time": "Europe/Warsaw", "E. Europe Standard Time": "Europe/Chisinau", "FLE Standard Time": "Europe/Kiev",
	"GTB Standard Time": "Europe/Bucharest", "Russian Standard Time": "Europe/Moscow", "Turkey Standard Time": "Europe/Istanbul",
	"Israel Standard Time": "Asia/Jerusalem", "South Africa Standard Time": "Africa/Johannesburg", "Egypt Standard Time": "Africa/Cairo",
	"Arabian Standard Time": "Asia/Dubai", "India Standard Time": "Asia/Kolkata", "Singapore Standard Time": "Asia/Singapore",
	"SE Asia Standard Time": "Asia/Bangkok", "China Standard Time": "Asia/Shanghai", "Tokyo Standard Time": "Asia/Tokyo", "Korea Standard Time": "Asia/Seoul",
	"AUS Eastern Standard Time": "Australia/Sydney", "E. Australia Standard Time": "Australia/Brisbane", "W. Australia Standard Time": "Australia/Perth",
	"New Zealand Standard Time": "Pacific/Auckland", "Hawaiian Standard Time": "Pacific/Honolulu", "Alaskan Standard Time": "America/Anchorage",
	"Pacific Standard Time": "America/Los_Angeles", "Mountain Standard Time": "America/Denver", "US Mountain Standard Time": "America/Phoenix",
	"Central Standard Time": "America/Chicago", "Eastern Standard Time": "America/New_York", "Atlantic Standard Time": "America/Halifax",
	"E. South America Standard Time": "America/Sao_Paulo", "Argentina Standard Time": "America/Buenos_Aires", "SA Pacific Standard Time": "America/Bogota",
}
