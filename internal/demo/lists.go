package demo

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"parley/internal/fault"
)

// readLists reads the files for the advertising platforms as their receiver
// would: per activation and person the highest version counts. It returns who
// is on each activation's list.
func readLists(data string) (map[string]map[string]bool, error) {
	const op = "demo.lists"
	names, err := filepath.Glob(filepath.Join(data, adsFolder, "*.csv"))
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	versions := map[string]map[string]int64{}
	on := map[string]map[string]bool{}
	for _, name := range names {
		activation, _, _ := strings.Cut(filepath.Base(name), "__")
		if on[activation] == nil {
			on[activation], versions[activation] = map[string]bool{}, map[string]int64{}
		}
		rows, err := readCSV(name)
		if err != nil {
			return nil, err
		}
		for _, row := range rows[1:] { // person, version, action, mode, fields …
			version, err := strconv.ParseInt(row[1], 10, 64)
			if err != nil {
				return nil, fault.Wrap(op, err)
			}
			if version <= versions[activation][row[0]] {
				continue
			}
			versions[activation][row[0]] = version
			delete(on[activation], row[0])
			if row[2] == "add" {
				on[activation][row[0]] = true
			}
		}
	}
	return on, nil
}

// readCSV returns a file's rows, the header first.
func readCSV(name string) ([][]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fault.Wrap("demo.lists", err)
	}
	defer func() { _ = f.Close() }() // only read
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) == 0 || len(rows[0]) < 3 {
		return nil, fault.WrapAs(fault.Internal, "demo.lists", err, "A file for the advertising platforms cannot be read.")
	}
	return rows, nil
}
