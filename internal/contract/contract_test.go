package contract

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

const orderContract = `{
 "apiVersion":"v3.1.0","kind":"DataContract","id":"c1","version":"1.0.0","status":"active","name":"shop",
 "description":{"purpose":"orders"}, "team":{"name":"data"}, "slaProperties":[{"property":"latency","value":4}],
 "customProperties":[{"property":"unplanned","value":"quarantine"}],
 "schema":[
  {"name":"Order Completed","physicalName":"orders","logicalType":"object",
   "customProperties":[{"property":"unplannedProperties","value":"quarantine"}],
   "quality":[{"metric":"duplicateValues","mustBe":0,"arguments":{"properties":["shop","order_id"]}},{"metric":"rowCount","mustBeGreaterThan":3}],
   "properties":[
    {"name":"order_id","logicalType":"string","required":true,"primaryKey":true,"primaryKeyPosition":2,"logicalTypeOptions":{"minLength":2,"maxLength":5,"pattern":"^[A-Z]"}},
    {"name":"shop","logicalType":"integer","primaryKey":true,"primaryKeyPosition":1,"logicalTypeOptions":{"format":"u8"}},
    {"name":"email","logicalType":"string","unique":true,"logicalTypeOptions":{"format":"email"},"tags":["pii"]},
    {"name":"total","logicalType":"number","logicalTypeOptions":{"minimum":0,"exclusiveMaximum":1000,"multipleOf":0.01}},
    {"name":"big","logicalType":"integer","logicalTypeOptions":{"maximum":9007199254740993}},
    {"name":"status","logicalType":"string","quality":[{"metric":"invalidValues","arguments":{"validValues":["paid","open"]},"mustBe":0}]},
    {"name":"country","logicalType":"string","quality":[{"type":"library","metric":"invalidValues","arguments":{"pattern":"^[A-Z]{2}$"},"mustBe":0}]},
    {"name":"coupon","logicalType":"string","quality":[{"metric":"missingValues","arguments":{"missingValues":["","N/A"]},"mustBe":0},{"metric":"nullValues","mustBeLessThan":5}]},
    {"name":"paid","logicalType":"boolean"},
    {"name":"day","logicalType":"date","logicalTypeOptions":{"minimum":"2020-01-01"}},
    {"name":"bought","logicalType":"timestamp","logicalTypeOptions":{"format":"d/M/yyyy H:mm"}},
    {"name":"at","logicalType":"timestamp"},
    {"name":"clock","logicalType":"time"},
    {"name":"anything"},
    {"name":"address","logicalType":"object","properties":[{"name":"zip","logicalType":"string","required":true}]},
    {"name":"open","logicalType":"object"},
    {"name":"items","logicalType":"array","logicalTypeOptions":{"maxItems":2,"uniqueItems":true},"items":{"logicalType":"object","properties":[{"name":"sku","logicalType":"string"}]}}
   ]}]}`

func mustCompile(t testing.TB, doc string) *Contract {
	t.Helper()
	var s Spec
	if err := json.Unmarshal([]byte(doc), &s); err != nil {
		t.Fatal(err)
	}
	c, err := s.Compile()
	if err != nil {
		t.Fatalf("compile: %v %v", err, s.Validate())
	}
	return c
}

func decode(t testing.TB, doc string) map[string]any {
	t.Helper()
	v, err := literal(json.RawMessage(doc))
	if err != nil {
		t.Fatal(err)
	}
	return v.(map[string]any)
}

func brief(vs []Violation) string {
	var out []string
	for _, v := range vs {
		out = append(out, v.Field+" "+v.Rule)
	}
	return strings.Join(out, "; ")
}

func TestCheckReportsExactlyTheBrokenRules(t *testing.T) {
	c := mustCompile(t, orderContract)
	for name, tc := range map[string]struct{ fields, want string }{
		"nothing else":               {``, ``},
		"null is missing":            {`"order_id":null`, `order_id required`},
		"too short and no match":     {`"order_id":"a"`, `order_id minLength; order_id pattern`},
		"runes, not bytes":           {`"order_id":"Äüöäß"`, `order_id pattern`},
		"too long":                   {`"order_id":"ABCDEF"`, `order_id maxLength`},
		"number for text":            {`"order_id":12`, `order_id pattern; order_id type`},
		"wide integer":               {`"shop":256`, `shop format`},
		"fraction for integer":       {`"shop":1.5`, `shop type`},
		"integral decimal":           {`"shop":1.0`, ``},
		"text for integer":           {`"shop":"1"`, `shop type`},
		"email":                      {`"email":"ada@example.org"`, ``},
		"not an email":               {`"email":"ada at example"`, `email format`},
		"below minimum":              {`"total":-0.01`, `total minimum`},
		"at the exclusive maximum":   {`"total":1000`, `total exclusiveMaximum`},
		"cents are exact":            {`"total":0.07`, ``},
		"tenth of a cent":            {`"total":0.075`, `total multipleOf`},
		"maximum beyond 2^53":        {`"big":9007199254740993`, ``},
		"one above it":               {`"big":9007199254740994`, `big maximum`},
		"huge exponent":              {`"big":1e999999999999999999999`, `big maximum`},
		"not in the list":            {`"status":"lost"`, `status enum`},
		"quality pattern":            {`"country":"de"`, `country pattern`},
		"stands for nothing":         {`"coupon":"N/A"`, `coupon missing`},
		"one for true":               {`"paid":1`, `paid type`},
		"date":                       {`"day":"2020-01-01"`, ``},
		"date by timestamp":          {`"day":"2020-06-01T10:00:00+02:00"`, ``},
		"too early":                  {`"day":"2019-12-31"`, `day minimum`},
		"no such day":                {`"day":"2020-02-30"`, `day type`},
		"JDK format":                 {`"bought":"1/12/2010 8:26"`, ``},
		"other than the JDK format":  {`"bought":"2010-12-01"`, `bought format`},
		"timestamp":                  {`"at":"2020-01-01T00:00:00.123Z"`, ``},
		"timestamp as a number":      {`"at":1577836800`, `at type`},
		"time":                       {`"clock":"23:59:59"`, ``},
		"hour 25":                    {`"clock":"25:00"`, `clock type`},
		"untyped":                    {`"anything":[{"a":1}]`, ``},
		"nested required":            {`"address":{}`, `address.zip required`},
		"nested unplanned":           {`"address":{"zip":"1","x":1}`, `address.x unplanned`},
		"undescribed object is open": {`"open":{"x":1}`, ``},
		"text for object":            {`"address":"x"`, `address type`},
		"array item":                 {`"items":[{"sku":"a"},{"sku":1}]`, `items[1].sku type`},
		"too many items":             {`"items":[{"sku":"a"},{"sku":"b"},{"sku":"c"}]`, `items maxItems`},
		"repeated item":              {`"items":[{"sku":"a"},{"sku":"a"}]`, `items uniqueItems`},
		"unplanned":                  {`"zzz":1,"aaa":2`, `aaa unplanned; zzz unplanned`},
	} {
		t.Run(name, func(t *testing.T) {
			doc := `{"order_id":"AB","coupon":"X"}`
			record := decode(t, doc)
			for k, v := range decode(t, `{`+tc.fields+`}`) {
				record[k] = v
			}
			if got := brief(c.Check("Order Completed", record)); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if got := brief(c.Check("orders", record)); got != tc.want {
				t.Errorf("by physical name: got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestUnplannedObject(t *testing.T) {
	c := mustCompile(t, orderContract)
	if got := brief(c.Check("Cart Viewed", map[string]any{})); got != " unplanned" {
		t.Errorf("got %q", got)
	}
	allowing := mustCompile(t, strings.Replace(orderContract, `"property":"unplanned","value":"quarantine"`, `"property":"unplanned","value":"allow"`, 1))
	if got := allowing.Check("Cart Viewed", map[string]any{"x": true}); got != nil {
		t.Errorf("got %v", got)
	}
}

func TestCheckTextReadsSpeltValues(t *testing.T) {
	c := mustCompile(t, orderContract)
	row := map[string]any{"order_id": "AB", "shop": "17", "total": "1.50", "paid": "TRUE", "email": "", "coupon": "X"}
	if got := c.CheckText("orders", row); got != nil {
		t.Errorf("got %v", got)
	}
	row = map[string]any{"order_id": "", "shop": "many", "total": "-1", "paid": "ja", "coupon": ""}
	if got, want := brief(c.CheckText("orders", row)), "coupon required; order_id required; paid type; shop type; total minimum"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestI12ViolationsHoldNoValue(t *testing.T) {
	c := mustCompile(t, orderContract)
	secret := "SECRETVALUE-4711"
	record := map[string]any{"order_id": secret, "shop": json.Number("471147114711"), "email": secret, "status": secret,
		"country": secret, "day": secret, "bought": secret, "address": secret, "items": []any{secret}, "paid": secret, "zzz": secret}
	found := c.Check("orders", record)
	if len(found) < 10 {
		t.Fatalf("only %d violations", len(found))
	}
	if text := fmt.Sprint(found); strings.Contains(text, "4711") || strings.Contains(text, "SECRET") {
		t.Errorf("a value leaked: %s", text)
	}
}

func TestShape(t *testing.T) {
	for want, v := range map[string]any{
		"missing": nil, "text of 2 characters": "äß", "text of 1 character": "x", "empty text": "",
		"whole number of 3 digits, negative": json.Number("-123"), "decimal number of 2 digits": json.Number("1.5"),
		"whole number of 1 digit and an exponent": json.Number("1e3"), "malformed number": json.Number("ten"),
		"list of 4": []any{1, 2, 3, 4}, "object of 1 field": map[string]any{"a": 1}, "true or false": true,
		"something that is not a JSON value": 3,
	} {
		if got := Shape(v); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestViolationsAreBounded(t *testing.T) {
	c := mustCompile(t, orderContract)
	record := map[string]any{}
	for i := range 1000 {
		record[fmt.Sprintf("%s%d", strings.Repeat("x", 100), i)] = nil
		record[fmt.Sprintf("f%03d", i)] = nil
	}
	found := c.Check("orders", record)
	if len(found) != MaxViolations {
		t.Fatalf("%d violations", len(found))
	}
	if again := c.Check("orders", record); !reflect.DeepEqual(found, again) {
		t.Error("the same record gave other violations")
	}
}

func TestUniqueFields(t *testing.T) {
	c := mustCompile(t, orderContract)
	if got, want := fmt.Sprint(c.UniqueFields("orders")), "[[shop order_id] [email]]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := c.UniqueFields("nothing"); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

func TestUniqueKey(t *testing.T) {
	key := func(doc string, fields ...string) string {
		h, ok := UniqueKey(decode(t, doc), fields)
		if !ok {
			return ""
		}
		return h
	}
	same := [][2]string{{`{"a":1}`, `{"a":1.0}`}, {`{"a":1000}`, `{"a":1e3}`}, {`{"a":{"x":1,"y":2}}`, `{"a":{"y":2,"x":1}}`}}
	for _, p := range same {
		if key(p[0], "a") != key(p[1], "a") || key(p[0], "a") == "" {
			t.Errorf("%s and %s should be equal", p[0], p[1])
		}
	}
	other := [][2]string{{`{"a":1}`, `{"a":"1"}`}, {`{"a":true}`, `{"a":"t"}`}, {`{"a":9007199254740992}`, `{"a":9007199254740993}`}, {`{"a":["x","y"]}`, `{"a":["xy"]}`}}
	for _, p := range other {
		if key(p[0], "a") == key(p[1], "a") {
			t.Errorf("%s and %s should differ", p[0], p[1])
		}
	}
	if key(`{"a":"x","b":"yz"}`, "a", "b") == key(`{"a":"xy","b":"z"}`, "a", "b") {
		t.Error("values run together")
	}
	if key(`{"a":null,"b":1}`, "a", "b") != "" || key(`{}`) != "" {
		t.Error("a record without its key has none")
	}
}
