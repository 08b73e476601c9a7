package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"salve/bot"
	"salve/bot/secret"
	"salve/cmd/salve/config"
	"salve/cmd/salve/demo"
	"salve/cmd/salve/serve"
	"salve/integrations/control"
	"salve/integrations/slack"
	"salve/playbooks"
)

// demoCmd shows Salve on this machine alone.
type demoCmd struct {
	Listen     string `help:"Where the console listens; a loopback address." default:"127.0.0.1:0"`
	Unattended bool   `help:"Play both stories without a person; exit 0 only if both were verified as fixed and the audit log proves."`
	Verbose    bool   `help:"Show Salve's log." short:"v"`

	Slack    bool   `help:"Play in a channel of your Slack too: says how to make the app, asks for its tokens."`
	Channel  string `help:"With --slack: the channel, by #name, id or link; else it is asked for." placeholder:"#NAME"`
	Me       string `help:"With --slack: who you are there, by e-mail or member id; else it is asked for." placeholder:"EMAIL"`
	SlackAPI string `help:"Another Slack." hidden:"" name:"slack-api"`
}

// Help is shown by --help.
func (demoCmd) Help() string {
	return "A small shop starts and breaks twice. It leaks memory: a low alert, healed by itself. It hangs: a high\nalert that waits for you. Open the printed address, read the card, approve or deny, and watch.\nFrom a second terminal: salve incidents, salve show I-2, salve approve I-2 DIGEST, salve halt.\n\nExamples:\n  salve demo\n  salve demo --slack\n  SLACK_BOT_TOKEN=... SLACK_APP_TOKEN=... salve demo --slack --channel '#ops' --unattended"
}

// Run plays the demo.
func (c demoCmd) Run(ctx context.Context, secrets secret.Resolver) error {
	var chat *connected
	if c.Slack {
		var err error
		if chat, err = c.connectSlack(ctx, os.Stdin, os.Stdout); err != nil {
			return ignoreCancel(err)
		}
		if secrets, err = secret.NewEnvFile(chat.lookup, readSecretFile, redactor); err != nil {
			return err
		}
	}
	d, err := c.set(ctx, secrets, chat)
	if err != nil {
		return err
	}
	defer d.close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		if err := d.salve.Run(ctx); err != nil {
			cancel(err)
		}
	})
	wg.Go(func() {
		if err := d.watcher.Run(ctx); err != nil {
			cancel(err)
		}
	})
	story := demo.Story{
		Out: os.Stdout, Door: control.NewUnixClient(d.salve.Socket()), Break: d.shop.Break,
		Unattended: c.Unattended, URL: d.link, Color: isTerminal(os.Stdout), Command: calledAs(),
	}
	if chat != nil {
		story.Channel, story.Ending, story.Shown = "#"+chat.place.Name, chat.ending(calledAs(), d.me), d.salve.Shown
	}
	err = story.Play(ctx)
	if c.Unattended || err != nil {
		cancel(nil)
		return cmpError(err, context.Cause(ctx))
	}
	<-ctx.Done()
	return ignoreCancel(context.Cause(ctx))
}

// calledAs is what a second terminal in the same directory types for this
// program: a newcomer has it on no path.
func calledAs() string {
	exe, err := os.Executable()
	if err != nil {
		return "salve"
	}
	if found, err := exec.LookPath("salve"); err == nil && found == exe {
		return "salve"
	}
	if strings.Contains(exe, "go-build") { // go run removes it when it ends
		return "go run ./cmd/salve"
	}
	return exe
}

// cmpError prefers what broke the process over what the story then missed.
func cmpError(err, cause error) error {
	if cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return ignoreCancel(err)
}

func ignoreCancel(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// stage is everything that the demo runs.
type stage struct {
	salve   *serve.Salve
	shop    *demo.Supervisor
	stop    func()
	watcher *demo.Watcher
	link    string
	me      bot.PersonID
	chat    *connected // nil: it plays here alone
}

func (d *stage) close() { d.stop() }

// set builds the stage in a fresh directory.
func (c demoCmd) set(ctx context.Context, secrets secret.Resolver, chat *connected) (*stage, error) {
	if host, _, err := net.SplitHostPort(c.Listen); err != nil || !config.IsLoopback(host) {
		return nil, fmt.Errorf("--listen %s: the demo stays on this machine; name a loopback address", c.Listen)
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var logs io.Writer = io.Discard
	if c.Verbose {
		logs = os.Stderr
	}
	shop, stop, err := demo.StartSupervisor(ctx, []string{exe, "demo-service"}, logs)
	if err != nil {
		return nil, err
	}
	d := &stage{shop: shop, stop: stop, chat: chat}
	if err := c.start(ctx, d, secrets); err != nil {
		stop()
		return nil, err
	}
	return d, nil
}

func (c demoCmd) start(ctx context.Context, d *stage, secrets secret.Resolver) error {
	dir := demoDir()
	token, err := c.prepare(dir, d)
	if err != nil {
		return err
	}
	cfg, err := config.Load(filepath.Join(dir, "salve.yaml"))
	if err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	if c.Verbose {
		log = logger(config.Log{Level: "debug", Format: "auto"})
	}
	lib, err := serve.Load(cfg, secrets, redactor)
	if err != nil {
		return err
	}
	d.salve, err = serve.Start(ctx, cfg, serve.Options{Log: log, Version: version(), Library: lib, Secrets: secrets})
	if err != nil {
		return err
	}
	if d.me, err = d.addMe(ctx); err != nil {
		return err
	}
	if d.link, err = d.salve.LoginLink(ctx, d.me); err != nil {
		return err
	}
	d.watcher = &demo.Watcher{ShopURL: d.shop.ShopURL, HookURL: d.salve.URL() + "/v1/hooks/demo", Bearer: token, Log: log}
	return nil
}

// prepare writes configuration, playbooks and the watcher's secret. What an
// earlier demo left is removed, unless one is still running there.
func (c demoCmd) prepare(dir string, d *stage) (string, error) {
	shop := d.shop
	if conn, err := net.Dial("unix", filepath.Join(dir, serve.SocketFile)); err == nil {
		_ = conn.Close() // it was only to see whether somebody answers
		return "", errors.New("a demo of yours is running already; end it first (Ctrl-C in its terminal)")
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", fmt.Errorf("remove what an earlier demo left: %w", err)
	}
	// Mkdir, not MkdirAll: the place is one where anybody may make a directory.
	for _, one := range []string{dir, filepath.Join(dir, "playbooks")} {
		if err := os.Mkdir(one, 0o700); err != nil {
			return "", err
		}
	}
	books, err := playbooks.Demo(shop.ShopURL, shop.URL)
	if err != nil {
		return "", err
	}
	if err := writeAll(filepath.Join(dir, "playbooks"), books); err != nil {
		return "", err
	}
	token := demo.RandomToken()
	tokenFile := filepath.Join(dir, "watcher-token")
	text := fmt.Sprintf(demoConfig, dir, c.Listen, tokenFile, filepath.Join(dir, "playbooks"), hostOf(shop.ShopURL), hostOf(shop.URL)) +
		d.chat.config(c.SlackAPI)
	return token, errors.Join(
		os.WriteFile(tokenFile, []byte(token), 0o600),
		os.WriteFile(filepath.Join(dir, "salve.yaml"), []byte(text), 0o600),
	)
}

const demoConfig = `# Written by the demo.
data_dir: %s
listen: %s
sources:
  - {name: demo, type: alertmanager, bearer: "file:%s"}
playbooks: {dirs: [%s]}
egress: {allow: [%q, %q]}
incidents: {quiet: 5m}
`

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	return u.Host
}

func writeAll(dir string, from fs.FS) error {
	return fs.WalkDir(from, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := fs.ReadFile(from, path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, filepath.Base(path)), b, 0o600)
	})
}

var notInID = regexp.MustCompile(`[^a-z0-9._-]+`)

// addMe takes in whoever started the demo, with the rights to decide in it.
func (d *stage) addMe(ctx context.Context) (bot.PersonID, error) {
	name := "you"
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	}
	id := bot.PersonID(strings.Trim(notInID.ReplaceAllString(strings.ToLower(name), "-"), "-._"))
	if id == "" {
		id = "you"
	}
	me := bot.Person{
		ID: id, Name: name, Roles: []bot.Role{bot.RoleResponder, bot.RoleAdmin}, Groups: []string{"oncall", "resumers"},
		Identities: []bot.Identity{{Surface: "unix", ID: strconv.Itoa(os.Getuid())}},
	}
	if d.chat != nil && d.chat.me.User.ID != "" {
		me.Name = d.chat.me.User.Name
		me.Identities = append(me.Identities, bot.Identity{Surface: slack.Surface, ID: d.chat.me.User.ID})
	}
	return id, d.salve.People().Add(ctx, bot.Salve, me)
}

// shopCmd is the service that breaks, in a process of its own.
type shopCmd struct {
	Listen string `required:""`
}

// Run serves until it is killed.
func (c shopCmd) Run(ctx context.Context) error {
	ln, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	return demo.ServeShop(ctx, ln)
}
