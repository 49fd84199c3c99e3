// Command generate writes the data of the example company again, from the
// UCI Online Retail file:
//
//	go run ./examples/shop/generate ../shared/data/online_retail/online_retail.csv.gz examples/shop/data
package main

import (
	"fmt"
	"os"

	"parley/examples/shop/shopdata"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: generate ONLINE_RETAIL_CSV_GZ FOLDER")
		os.Exit(2)
	}
	if err := shopdata.All(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
