// Copyright: (c) 2026, Best Viable
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// What the parsers that cloudflared uses say about each key of a file like go.json: `main <go.json >new.json`.
// Needs gopkg.in/yaml.v3; nothing of cloudflared itself is here.
package main

import (
	"encoding/json"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"

	yaml "gopkg.in/yaml.v3"
)

func usable(service string) bool {
	found, err := url.Parse(service)
	return err == nil && found.Scheme != "" && found.Hostname() != "" && found.Path == ""
}

func compiles(pattern string) bool {
	_, err := regexp.Compile(pattern)
	return err == nil
}

func hasPort(host string) bool {
	_, _, err := net.SplitHostPort(host)
	return err == nil
}

func parses(text string) bool {
	var found map[string]interface{}
	return yaml.NewDecoder(strings.NewReader(text)).Decode(&found) == nil
}

func main() {
	var corpus map[string]map[string]bool
	if err := json.NewDecoder(os.Stdin).Decode(&corpus); err != nil {
		panic(err)
	}
	ask := map[string]func(string) bool{"service": usable, "path": compiles, "port": hasPort, "yaml": parses}
	for kind, verdicts := range corpus {
		for text := range verdicts {
			verdicts[text] = ask[kind](text)
		}
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(corpus); err != nil {
		panic(err)
	}
}
