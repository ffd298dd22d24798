package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"
)

// plucker returns copies of a document's key and field, and whether it has the key.
type plucker func(payload []byte) (key, value string, ok bool)

// document is what the comparison makes up.
type document struct {
	ID          string `json:"id"`
	Description string `json:"description"`
}

// webhook has the fields that the comparison takes from webhooks.
type webhook struct {
	Sender struct {
		Login string `json:"login"`
	} `json:"sender"`
	Repository struct {
		HTMLURL string `json:"html_url"`
	} `json:"repository"`
}

func (d *document) fields() (string, string) { return d.ID, d.Description }

func (w *webhook) fields() (string, string) { return w.Sender.Login, w.Repository.HTMLURL }

// newPlucker returns the parser of this name, for the fields that two JSON pointers name.
func newPlucker(parser, key, field string) (plucker, error) {
	switch parser {
	case "gjson":
		return byGjson(path(key), path(field)), nil
	case "valid-gjson":
		return validated(byGjson(path(key), path(field))), nil
	case "json":
		return byStruct(key, field)
	}
	return nil, fmt.Errorf("there is no parser %s: use gjson, valid-gjson or json", parser)
}

// path returns gjson's path for a JSON pointer.
func path(pointer string) string {
	return strings.ReplaceAll(strings.TrimPrefix(pointer, "/"), "/", ".")
}

// byGjson plucks by paths. gjson copies what it finds in a []byte.
func byGjson(key, field string) plucker {
	return func(payload []byte) (string, string, bool) {
		found := gjson.GetBytes(payload, key)
		return found.String(), gjson.GetBytes(payload, field).String(), found.Type == gjson.String
	}
}

func validated(pluck plucker) plucker {
	return func(payload []byte) (string, string, bool) {
		if !gjson.ValidBytes(payload) {
			return "", "", false
		}
		return pluck(payload)
	}
}

// byStruct decodes the two fields into a struct that has them, with encoding/json.
func byStruct(key, field string) (plucker, error) {
	switch key + " " + field {
	case "/id /description":
		return decoded((*document).fields), nil
	case "/sender/login /repository/html_url":
		return decoded((*webhook).fields), nil
	}
	return nil, fmt.Errorf("there is no struct with %s and %s: add one to pluck.go", key, field)
}

func decoded[D any](fields func(*D) (string, string)) plucker {
	return func(payload []byte) (string, string, bool) {
		var document D
		if err := json.Unmarshal(payload, &document); err != nil {
			return "", "", false
		}
		key, value := fields(&document)
		return key, value, key != ""
	}
}
