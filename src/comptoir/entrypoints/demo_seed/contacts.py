"""Names of people outside, as they might write in. An underscore stands for a space within a name."""


def _names(*lines: str) -> list[str]:
    return [name.replace("_", " ") for line in lines for name in line.split()]


FRENCH_FIRST = _names(
    "Adèle Amandine Anaïs Aurélie Béatrice Benoît Camélia Cédric Chloé Clément Damien Élodie Émile Étienne Fabien Fatou",
    "Florence Gaëlle Guillaume Hélène  Inaya Jérôme Joséphine Karim Léa Loïc Lucie Maëlle Mathilde Mehdi Noémie Océane",
    "Olivier Pauline Quentin Rachid Rémi Romane Sabrina Solène Théo  Valentin Véronique Yann Zoé",
)
FRENCH_LAST = _names(
    "Arnaud Barbier Benali Blanchard Boucher Chevalier Colin Da_Silva Delaunay Diallo Dubois Faure Fontaine Garnier Gauthier",
    "Girard Guérin Haddad Hervé  Joly Lacroix Lambert Leclerc Legrand Marchand Masson Mercier Meyer Noël Perrin Picard Renaud",
    "Rivière Roussel Roux Schmitt Traoré Vasseur Vidal",
)
ENGLISH_FIRST = _names(
    "Abigail Aisha Alistair Amelia Beatrice Benjamin Callum Charlotte Daniel Eleanor Emily Ewan Fiona Freya George Grace",
    "Hannah Harriet Isla Jack James  Jessica Joshua Katherine Liam Lucy Marcus Megan Nathan Oliver Olivia Patrick Priya",
    "Rebecca Rory Samuel Sophie Thomas Victoria William Zara",
)
ENGLISH_LAST = _names(
    "Adams Atkinson Barker Bennett Brooks Campbell Chapman Clarke Davies Edwards Fletcher Forbes Graham Griffiths Hughes Khan",
    "Lawson MacDonald Marsh  Mitchell Murphy O’Brien Okafor Parker Patel Pearce Reid Robertson Shaw Singh Stewart Sutton",
    "Turner Walker Watts Whittaker Wright Young",
)
