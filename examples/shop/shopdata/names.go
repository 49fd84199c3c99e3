package shopdata

// namePool is what people and places of one language area are called.
type namePool struct {
	first, last, cities, streets []string
}

var british = namePool{
	first: []string{"Ada", "Alice", "Amelia", "Arthur", "Beatrice", "Callum", "Charlotte", "Daisy", "Daniel", "Edith", "Eleanor", "Fiona", "George",
		"Grace", "Harriet", "Henry", "Imogen", "Isla", "Jack", "James", "Jessica", "Katherine", "Laura", "Lewis", "Lucy", "Margaret", "Martha",
		"Nora", "Oliver", "Owen", "Patricia", "Rachel", "Rebecca", "Ruth", "Samuel", "Sophie", "Susan", "Thomas", "Violet", "William"},
	last: []string{"Abbott", "Ashdown", "Barlow", "Bennett", "Blackwood", "Brewer", "Carver", "Chapman", "Clarke", "Cooper", "Dawson", "Ellis", "Farrow",
		"Fletcher", "Gardner", "Graham", "Hale", "Harding", "Holloway", "Hughes", "Ingram", "Jarvis", "Kendall", "Lambert", "Lockwood", "Marsh",
		"Mason", "Nash", "Norris", "Osborne", "Palmer", "Pearce", "Quinn", "Reeve", "Rowe", "Sadler", "Shaw", "Tanner", "Thorne", "Underhill",
		"Vickers", "Wade", "Walton", "Webb", "Whitmore", "Yates"},
	cities: []string{"Aberdeen", "Bath", "Bristol", "Cardiff", "Edinburgh", "Exeter", "Guildford", "Leeds", "Leicester", "London", "Newcastle upon Tyne",
		"Norwich", "Oxford", "York"},
	streets: []string{"Church Lane", "High Street", "King's Road", "Mill Lane", "Orchard Close", "Park Avenue", "Queen Street", "Station Road", "The Green", "Victoria Road"},
}

var german = namePool{
	first:   []string{"Anna", "Birgit", "Claudia", "Dieter", "Elke", "Florian", "Greta", "Heike", "Jonas", "Jürgen", "Katrin", "Lena", "Lukas", "Sabine", "Stefan", "Ute"},
	last:    []string{"Bauer", "Becker", "Braun", "Fischer", "Hoffmann", "Keller", "Krüger", "Lehmann", "Möller", "Neumann", "Richter", "Schäfer", "Vogel", "Weiß", "Zimmermann"},
	cities:  []string{"Berlin", "Bremen", "Dresden", "Hamburg", "Köln", "Leipzig", "München", "Stuttgart"},
	streets: []string{"Bahnhofstraße", "Gartenweg", "Hauptstraße", "Lindenallee", "Mühlweg", "Schulstraße"},
}

var french = namePool{
	first:   []string{"Agnès", "Camille", "Chloé", "Émile", "François", "Hélène", "Julien", "Louise", "Luc", "Manon", "Mathieu", "Noëlle", "Pauline", "Rémi"},
	last:    []string{"Bernard", "Blanchard", "Chevalier", "Dubois", "Fontaine", "Garnier", "Laurent", "Lefèvre", "Mercier", "Moreau", "Perrin", "Rousseau"},
	cities:  []string{"Bordeaux", "Dijon", "Lille", "Lyon", "Nantes", "Paris", "Rennes", "Toulouse"},
	streets: []string{"avenue Victor Hugo", "place du Marché", "rue de la Gare", "rue des Lilas", "rue du Moulin"},
}

// shops share one address among several customers.
var shops = []string{"corner-gifts.example", "lavender-cards.example", "old-mill-crafts.example", "tinsel-and-twine.example"}

func namesOf(country string) namePool {
	switch country {
	case "Germany", "Austria", "Switzerland":
		return german
	case "France", "Belgium":
		return french
	}
	return british
}
