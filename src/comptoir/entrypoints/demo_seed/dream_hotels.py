"""Dream Hotels: honeymoon suites, upgrades and views."""

# ruff: noqa: E501 -- both languages of a line stand side by side

from comptoir.entrypoints.demo_seed.scripts import Business, Topic

_HONEYMOON = Topic(
    labels=("honeymoon",),
    weight=3.0,
    page="honeymoon.html",
    steps=(
        (
            "c: Bonjour, nous nous marions en {month} et rêvons de passer notre lune de miel chez vous || Hello, we are getting married in {month} and dream of spending our honeymoon with you\na: Toutes nos félicitations. Avez-vous déjà des dates en tête ? || Congratulations to you both. Do you have dates in mind?\nc: Du {day} au {later} {month} || {day} to {later} {month}\na: La Suite {suite} est libre ces nuits-là. || The Suite {suite} is free on those nights.",
            "c: Bonjour, que comprend votre offre lune de miel ? || Good evening, what does your honeymoon offer include?\na: Bonjour. Le transfert, une bouteille de champagne à l’arrivée, un dîner pour deux sur la terrasse et un départ à quinze heures. || Good evening. The transfer, champagne on arrival, dinner for two on the terrace, and a departure at three in the afternoon.\nc: C’est magnifique || That sounds wonderful",
            "c: Bonjour || Hello\nc: Je voudrais faire une surprise à ma femme pour nos dix ans, comme une seconde lune de miel || I would like to surprise my wife for our tenth anniversary, a second honeymoon of sorts\na: Quelle belle idée. Nous savons garder un secret : à quelle adresse pouvons-nous vous écrire sans risque ? || What a lovely idea. We know how to keep a secret: where can we write to you safely?\nc: Ici, c’est très bien || Here is perfect\nn: SURPRISE. Ne jamais appeler la chambre ni le fixe avant l’arrivée. || SURPRISE. Never call the room or the landline before arrival.",
        ),
        (
            "c: Ma fiancée adore les pivoines, pourriez-vous en mettre dans la chambre ? || My fiancée loves peonies, could you put some in the room?\na: Avec joie. Blanches ou roses ? || With pleasure. White or pink?\nc: Roses || Pink\nn: Pivoines roses, suite {suite}, {day} {month}. Commander chez Mireille. || Pink peonies, suite {suite}, {day} {month}. Order from Mireille.\na: C’est noté pour votre arrivée. || Noted for your arrival.",
            "c: Est-il possible de dîner dans le jardin plutôt que sur la terrasse ? || Could we dine in the garden rather than on the terrace?\na: Bien sûr, sous la pergola, à la bougie. Avez-vous des allergies ? || Of course, under the pergola, by candlelight. Any allergies?\nc: Ma femme ne mange pas de fruits de mer || My wife does not eat shellfish\nn: Sans fruits de mer, table 2 sous la pergola || No shellfish, table 2 under the pergola",
        ),
        (
            "c: Et pour la photo au coucher du soleil, à quelle heure ? || And for the photograph at sunset, at what time?\na: En {month}, comptez vers vingt et une heures. Le ponton est le meilleur endroit. || In {month}, about nine in the evening. The jetty is the best place.\nc: Merci ! || Thank you!",
            "c: Combien pour {nights} nuits ? || How much for {nights} nights?\na: {total} pour deux, petits-déjeuners et transfert compris. Je vous garde la suite jusqu’à demain soir. || {total} for two, breakfasts and transfer included. I am holding the suite until tomorrow evening.\nc: Nous la prenons || We’ll take it\nn: Option posée, suite {suite}, {nights} nuits || Option placed, suite {suite}, {nights} nights\na: C’est réservé. La confirmation part par courriel. || It is booked. The confirmation is on its way by e-mail.",
        ),
    ),
    chance=(1, 0.65, 0.7),
)

_UPGRADE = Topic(
    labels=("upgrade",),
    weight=2.4,
    page="suite-lune.html",
    urgent=0.1,
    steps=(
        (
            "c: Bonjour, nous avons réservé la Suite Jardin le {day} {month}. Combien coûterait le passage à la {suite} ? || Hello, we booked the Suite Jardin for {day} {month}. What would it cost to move to the {suite}?\na: Bonjour. La différence est de {gap} la nuit. || Hello. The difference is {gap} a night.",
            "c: Un surclassement est-il possible ? C’est notre voyage de noces || Is an upgrade possible? It is our honeymoon\na: Pour une lune de miel, la différence est de moitié, et elle est offerte si la suite est libre le jour même. || On a honeymoon you pay half the difference, and nothing if the suite is free on the day.",
            "c: Nous arrivons dans {hours} heures, y a-t-il une suite plus haute de libre ? || We arrive in {hours} hours, is a higher suite free?\nn: Thomas, la {suite} est libre ce soir ? || Thomas, is the {suite} free tonight?\nn: Oui, ménage fini à 14 h || Yes, cleaned by 14:00\na: Oui, la Suite {suite} vous attend, sans supplément. || Yes, the Suite {suite} is waiting for you, at no extra cost.\nc: Incroyable, merci !! || Amazing, thank you!!",
        ),
        (
            "c: Et si nous restons une nuit de plus ? || And if we stay one more night?\na: Alors nous vous offrons le surclassement sur tout le séjour. || Then the upgrade is ours for the whole stay.\nc: Ajoutez une nuit s’il vous plaît || Please add a night\nn: Une nuit ajoutée, séjour porté à {nights} nuits || One night added, stay is now {nights} nights",
            "c: La piscine est-elle chauffée en {month} ? || Is the pool heated in {month}?\na: Oui, à 28 degrés, d’avril à novembre. || Yes, to 28 degrees, from April to November.",
        ),
        (
            "c: Le lit de la {suite} est-il plus grand ? || Is the bed in the {suite} larger?\na: Tous nos lits font 180 sur 200. Celui de la Suite Lune a un baldaquin. || All our beds are 180 by 200. The one in the Suite Lune is a four-poster.\nc: D’accord, nous y réfléchissons || All right, let us think about it\nc: C’est décidé, nous passons à la {suite} || Decided, we are moving to the {suite}\na: C’est fait, vous recevez la nouvelle confirmation. || Done, the new confirmation is on its way.",
        ),
    ),
    chance=(1, 0.6, 0.5),
)

_VIEW = Topic(
    labels=("view",),
    weight=2.0,
    page="suite-horizon.html",
    steps=(
        (
            "c: Quelle suite a la plus belle vue sur la mer ? || Which suite has the finest sea view?\na: L’Horizon voit toute la baie, au sud. La Lune regarde le cap, où la lune se lève. || Horizon sees the whole bay, to the south. Lune looks at the cape, where the moon rises.",
            "c: La Suite Jardin n’a vraiment aucune vue ? || Does the Suite Jardin really have no view?\na: Elle regarde les citronniers et la fontaine, et un peu de mer entre deux cyprès. || It looks at the lemon trees and the fountain, and a little sea between two cypresses.\nc: C’est peut-être encore mieux || That may be even better",
            "c: Voit-on le feu d’artifice du {day} {month} depuis la chambre ? || Can one see the fireworks on {day} {month} from the room?\na: Depuis la terrasse de l’Horizon, oui, en entier. De la Lune, on voit surtout les reflets. || From the Horizon’s terrace, yes, all of it. From Lune, mostly the reflections.",
        ),
        (
            "c: Pourriez-vous m’envoyer une photo depuis le balcon ? || Could you send me a picture from the balcony?\na: Avec plaisir, je monte la prendre à l’heure dorée. || With pleasure, I’ll go up and take it at the golden hour.\nn: Photo à faire vers 20 h, terrasse {suite} || Picture to be taken about 20:00, {suite} terrace\na: La voici sur votre courriel, prise à l’instant. || It is in your e-mail, taken just now.\nc: Wahou || Wow",
            "c: Est-ce bruyant côté route ? || Is it noisy on the road side?\na: Aucune suite ne donne sur la route. Le soir on entend les grillons, et la fontaine côté jardin. || No suite faces the road. In the evening you hear crickets, and the fountain on the garden side.\nc: Parfait pour nous || Perfect for us",
        ),
        (
            "c: Vous pouvez nous garder cette chambre précisément ? || Can you keep that exact room for us?\na: Oui, elle est notée à votre nom du {day} au {later} {month}. || Yes, it is noted in your name from {day} to {later} {month}.\nn: Chambre fixe promise : {suite}, ne pas déplacer || Fixed room promised: {suite}, do not move\nc: Vous êtes formidables || You are wonderful",
        ),
    ),
    chance=(1, 0.7, 0.5),
)

_ARRIVAL = Topic(
    labels=("arrival",),
    weight=1.8,
    urgent=0.3,
    steps=(
        (
            "c: Notre vol a {hours} heures de retard, quelqu’un nous attendra ? || Our flight is {hours} hours late, will someone wait for us?\na: Bien sûr, le chauffeur suit votre vol. Il aura un panneau à votre nom. || Of course, the driver follows your flight. He will have a sign with your name.\nn: Prévenir Marc, vol retardé de {hours} h, garder la cuisine ouverte || Tell Marc, flight {hours} h late, keep the kitchen open",
            "c: À quelle heure les chambres sont-elles prêtes ? || At what time are the rooms ready?\na: À quatorze heures. Avant, la piscine et le jardin sont à vous. || At two in the afternoon. Until then the pool and the garden are yours.",
            "c: Peut-on venir en voiture ? || Can we come by car?\na: Oui, le parking est gardé et une borne est libre pour les voitures électriques. || Yes, parking is guarded and there is a charger for electric cars.\nc: Nous en avons une justement || We do have one",
        ),
        (
            "c: Pouvez-vous prévoir un lit bébé ? || Could you arrange a cot?\na: Dans la Suite Jardin, oui, sans supplément. || In the Suite Jardin, yes, at no extra cost.\nn: Lit bébé + rehausseur || Cot and booster seat",
            "c: Nous aurons faim en arrivant ! || We’ll be hungry when we arrive!\na: La cuisine vous garde une assiette froide et une tarte au citron. || The kitchen is keeping you a cold plate and a lemon tart.\nc: 😍 || 😍",
        ),
    ),
    chance=(1, 0.6),
)

_CHANGE = Topic(
    labels=("booking",),
    weight=1.7,
    page="questions.html",
    urgent=0.1,
    steps=(
        (
            "c: Bonjour, nous devons décaler notre séjour, réservation {order} || Hello, we have to move our stay, booking {order}\na: Bonjour, aucun souci jusqu’à sept jours avant. Quelles seraient les nouvelles dates ? || Hello, no difficulty up to seven days before. What would the new dates be?\nc: Du {day} au {later} {month} || {day} to {later} {month}\nn: {order} : nouvelles dates, tarif inchangé || {order}: new dates, same rate\na: C’est fait, au même tarif. || Done, at the same rate.",
            "c: Puis-je annuler la réservation {order} ? || May I cancel booking {order}?\na: Oui, sans frais, vous êtes dans les délais. Rien de grave, j’espère ? || Yes, free of charge, you are within the time. Nothing serious, I hope?\nc: Un imprévu au travail. Nous reviendrons au printemps || Something at work. We will come back in spring\na: Vous serez les bienvenus. Le remboursement de {total} part aujourd’hui. || You will be welcome. The refund of {total} leaves today.",
        ),
        (
            "c: Je ne vois pas la confirmation || I cannot see the confirmation\na: Elle vient de repartir, regardez peut-être dans les indésirables. || It has just gone out again, it may be among the unwanted mail.\nc: Trouvée || Found it",
            "c: Peut-on régler sur place ? || May we pay on site?\na: Oui, seule la première nuit est demandée à l’avance. || Yes, only the first night is asked for beforehand.",
        ),
    ),
    chance=(1, 0.65),
)

_SPA = Topic(
    labels=("services",),
    weight=1.3,
    steps=(
        (
            "c: Avez-vous un massage pour deux ? || Do you have a massage for two?\na: Oui, dans le pavillon du jardin, 90 minutes, 240 €. || Yes, in the garden pavilion, 90 minutes, €240.",
            "c: Peut-on louer le bateau pour une journée ? || Can we hire the boat for a day?\na: Oui, avec le capitaine et le panier de la cuisine. Il part à dix heures. || Yes, with the captain and a basket from the kitchen. It leaves at ten.\nc: Génial || Brilliant",
            "c: Votre chef fait-il des menus végétariens ? || Does your chef do vegetarian menus?\na: Tous les soirs, selon le potager. || Every evening, from the kitchen garden.",
        ),
        (
            "c: Réservez-nous {weekday} à dix-huit heures || Please book us {weekday} at six\nn: {weekday} 18 h, deux personnes, suite {suite} || {weekday} 18:00, two people, suite {suite}\na: C’est réservé pour {weekday}. || It is booked for {weekday}.\nc: Merci {agent} || Thank you {agent}",
        ),
    ),
    chance=(1, 0.85),
)

BUSINESS = Business(
    slug="dream-hotels",
    name="Dream Hotels",
    locale="en",
    colour="#1D4E6B",
    french=0.42,
    agents=(
        ("Inès Carvalho", "ines", "owner", "fr"),
        ("Thomas Aubry", "thomas", "admin", "fr"),
        ("Margaret Ellison", "margaret", "agent", "en"),
    ),
    labels={
        "honeymoon": "plum",
        "upgrade": "brass",
        "view": "sky",
        "arrival": "green",
        "booking": "zinc",
        "services": "brick",
    },
    topics=(_HONEYMOON, _UPGRADE, _VIEW, _ARRIVAL, _CHANGE, _SPA),
    closings=(
        "c: Merci infiniment || Thank you so very much\na: C’est un plaisir. À très bientôt à Èze. || It is a pleasure. See you soon in Èze.",
        "c: Parfait, merci {agent} || Perfect, thank you {agent}\na: Je reste à votre disposition ici, à toute heure. || I am here at any hour.",
        "a: Souhaitez-vous que je réserve aussi une table au port ? || Would you like me to book a table at the harbour too?\nc: Non merci, nous improviserons || No thank you, we will improvise\na: Bonne journée à vous deux. || A good day to you both.",
        "c: Nous avons hâte ❤️ || We can’t wait ❤️\na: Et nous de vous accueillir. || Nor can we.",
        "c: Bonne soirée || Good evening to you\na: Bonne soirée. || Good evening.",
    ),
    slots={
        "suite": tuple((name, name) for name in ("Lune", "Horizon")),
        "month": (
            ("juin", "June"),
            ("juillet", "July"),
            ("septembre", "September"),
            ("mai", "May"),
            ("février", "February"),
            ("octobre", "October"),
        ),
        "day": tuple((str(day), str(day)) for day in range(2, 20)),
        "later": tuple((str(day), str(day)) for day in range(21, 29)),
        "nights": (("trois", "three"), ("quatre", "four"), ("cinq", "five"), ("sept", "seven")),
        "hours": (("deux", "two"), ("trois", "three"), ("quatre", "four")),
        "gap": (("70 €", "€70"), ("140 €", "€140"), ("210 €", "€210")),
        "total": (("1 260 €", "€1,260"), ("1 680 €", "€1,680"), ("2 070 €", "€2,070"), ("2 940 €", "€2,940")),
        "order": tuple((f"DH-{number}", f"DH-{number}") for number in range(7103, 7603, 11)),
        "weekday": (("jeudi", "Thursday"), ("vendredi", "Friday"), ("samedi", "Saturday"), ("lundi", "Monday")),
    },
)
