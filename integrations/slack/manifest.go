package slack

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
)

// Command is the slash command.
const Command = "/salve"

// Scope is a right that the app asks for, and why.
type Scope struct {
	Name, Why string
}

// Scopes are all rights of the bot. The app token has one of its own,
// connections:write, for the socket.
var Scopes = []Scope{
	{"app_mentions:read", "hear @salve in the thread of a card"},
	{"channels:history", "find a message whose answer was lost, before it is posted again"},
	{"channels:join", "join a public channel when asked to at the first start"},
	{"channels:read", "tell whether a channel is there and open"},
	{"chat:write", "post and edit cards"},
	{"chat:write.public", "post in public channels without being invited"},
	{"commands", "take " + Command + " and the shortcut on messages"},
	{"files:write", "attach plots, and output where a playbook shares it"},
	{"groups:history", "find a message in a private channel, likewise"},
	{"groups:read", "tell whether a private channel is there and open"},
	{"im:history", "find a direct message, likewise"},
	{"im:write", "write to one person where there is no channel"},
	{"usergroups:read", "tell who is in the groups that may approve"},
	{"users:read", "tell members from guests, bots and external people"},
	{"users:read.email", "find the person in Salve by e-mail, where that is switched on"},
}

// ManifestOptions say what the app is like.
type ManifestOptions struct {
	Name      string // "": Salve
	PublicURL string // with it Slack calls Salve; "": Salve opens a socket
}

// Path is where Slack calls Salve.
const Path = "/v1/slack"

// Manifest makes the app's manifest, as Slack's "From a manifest" takes it.
func Manifest(opts ManifestOptions) ([]byte, error) {
	name := opts.Name
	if name == "" {
		name = "Salve"
	}
	if len([]rune(name)) > 35 {
		return nil, errors.New("slack: the app's name has more than 35 characters")
	}
	address := ""
	if opts.PublicURL != "" {
		u, err := url.Parse(opts.PublicURL)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return nil, errors.New("slack: Slack calls https addresses alone, like https://salve.example.com; without one, use the socket")
		}
		address = strings.TrimSuffix(u.String(), "/") + Path
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(describe(name, address)); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

type manifest struct {
	Metadata struct {
		Major int `json:"major_version"`
	} `json:"_metadata"`
	Display struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Background  string `json:"background_color"`
	} `json:"display_information"`
	Features features `json:"features"`
	OAuth    struct {
		Scopes struct {
			Bot []string `json:"bot"`
		} `json:"scopes"`
	} `json:"oauth_config"`
	Settings settings `json:"settings"`
}

type features struct {
	Home struct {
		Home     bool `json:"home_tab_enabled"`
		Messages bool `json:"messages_tab_enabled"`
		ReadOnly bool `json:"messages_tab_read_only_enabled"`
	} `json:"app_home"`
	Bot struct {
		Name   string `json:"display_name"`
		Online bool   `json:"always_online"`
	} `json:"bot_user"`
	Shortcuts []shortcut     `json:"shortcuts"`
	Commands  []slashCommand `json:"slash_commands"`
}

type shortcut struct {
	Name        string `json:"name"`
	Type        string `json:"type"`
	Callback    string `json:"callback_id"`
	Description string `json:"description"`
}

type slashCommand struct {
	Command     string `json:"command"`
	URL         string `json:"url,omitempty"`
	Description string `json:"description"`
	Hint        string `json:"usage_hint"`
	Escape      bool   `json:"should_escape"`
}

type settings struct {
	Events struct {
		URL string   `json:"request_url,omitempty"`
		Bot []string `json:"bot_events"`
	} `json:"event_subscriptions"`
	Interactivity struct {
		Enabled bool   `json:"is_enabled"`
		URL     string `json:"request_url,omitempty"`
	} `json:"interactivity"`
	Org    bool `json:"org_deploy_enabled"`
	Socket bool `json:"socket_mode_enabled"`
	Rotate bool `json:"token_rotation_enabled"`
}

func describe(name, address string) manifest {
	var m manifest
	m.Metadata.Major = 2
	m.Display.Name, m.Display.Background = name, "#14532d"
	m.Display.Description = "Shows what is wrong and why, fixes it, or asks"
	m.Features.Home.Home, m.Features.Home.Messages, m.Features.Home.ReadOnly = true, true, true
	m.Features.Bot.Name, m.Features.Bot.Online = strings.Join(strings.Fields(strings.ToLower(name)), "-"), true
	m.Features.Shortcuts = []shortcut{{
		Name: "Make this an incident", Type: "message", Callback: shortcutID, Description: "Salve looks into what the message says",
	}}
	m.Features.Commands = []slashCommand{{
		Command: Command, URL: address, Description: "See and handle incidents", Hint: "list | show I-142 | approve | help", Escape: true,
	}}
	for _, s := range Scopes {
		m.OAuth.Scopes.Bot = append(m.OAuth.Scopes.Bot, s.Name)
	}
	m.Settings.Events.URL, m.Settings.Events.Bot = address, []string{"app_home_opened", "app_mention"}
	m.Settings.Interactivity.Enabled, m.Settings.Interactivity.URL = true, address
	m.Settings.Socket = address == ""
	return m
}

// CreateLink leads to Slack's page on which an app is made of a manifest.
func CreateLink(manifest []byte) string {
	var tight bytes.Buffer
	if json.Compact(&tight, manifest) == nil {
		manifest = tight.Bytes()
	}
	return "https://api.slack.com/apps?new_app=1&manifest_json=" + url.QueryEscape(string(manifest))
}
