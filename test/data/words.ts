/**
 * What names, addresses, products and reviews of the store are made of. Letters of many scripts, quotes, commas and
 * line breaks are on purpose.
 */
export const firstNames = list(`
  Emma Noah Zoë José Łukasz Søren Ingrid Amélie Björn Chloé Dmitri Ève François Gökçe Håkon İbrahim Jana Kateřina Lucía Małgorzata Nguyễn Óscar Přemysl
  Quentin René Siobhán Tomáš Úrsula Véronique Wanda Xavier Yıldız Žofia Αλέξανδρος Мария Олег さくら 美咲 健太 明 Fatima Aisha Omar Layla Priya Arjun Mei Wei Linh
  Mateo Sofia Liam Olivia Ava Ethan Mia Lucas Hannah Leon Marie Paul Lena Finn Clara Max Julia Sven Anouk Daan Fleur Bram Sanne Pieter Lotte Giulia Marco Chiara
`);

export const lastNames = list(`
  Müller Schmidt Jansen De_Vries Van_den_Berg Bakker Visser Smit Meijer O'Neill O'Brien D'Angelo Nowak Kowalski Wiśniewski Novák Svoboda Dvořák García Martínez
  López Hernández González Rodríguez Silva Santos Ferreira Costa Rossi Russo Ferrari Esposito Bianchi Dubois Durand Lefèvre Moreau Laurent Petit Johansson Andersson
  Karlsson Nilsson Eriksson Hansen Olsen Larsen Korhonen Virtanen Papadopoulos Ivanov Petrova Смирнов 田中 佐藤 鈴木 王 李 张 Kim Park Nguyen Tran Singh Kaur Patel
  Sharma Khan Ahmed Ali Hussain Yılmaz Demir Kaya Çelik Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker White
`);

export const streets = list(`
  Hoofdstraat Kerkstraat Dorpsstraat Molenweg Schoolstraat Stationsweg Nieuwstraat Prinsengracht Keizersgracht Lindenlaan Beukenlaan Eikenlaan Marktplein
  Bahnhofstraße Gartenstraße Goethestraße Schillerplatz Bergweg Rue_de_la_Paix Rue_Victor_Hugo Avenue_Foch Place_d'Armes Via_Roma Via_Garibaldi Corso_Italia
  Calle_Mayor Calle_del_Sol Gran_Vía Rua_Augusta Rua_da_Prata High_Street Station_Road Church_Lane Victoria_Road Mill_Lane Park_Avenue Queen's_Road Storgatan
  Drottninggatan Kongens_gate Vestergade Mannerheimintie Marszałkowska Długa Václavské_náměstí Karlova Andrássy_út Ermou İstiklal_Caddesi
`);

export const cities = list(`
  Amsterdam Rotterdam Utrecht Den_Haag Groningen Maastricht 's-Hertogenbosch Antwerpen Gent Bruxelles Liège Berlin Hamburg München Köln Düsseldorf Leipzig Wien Graz
  Zürich Genève Paris Lyon Marseille Nîmes Madrid Barcelona Málaga Lisboa Porto Roma Milano Torino London Leeds Bristol Dublin Cork København Århus Oslo Bergen
  Stockholm Malmö Helsinki Tampere Warszawa Kraków Łódź Praha Brno Budapest Αθήνα İstanbul 東京 大阪
`);

export const countries = list('NL BE DE AT CH FR ES PT IT GB IE DK NO SE FI PL CZ HU GR TR JP');

export const colours = list(
  'black white navy ecru sand camel rust olive sage forest teal sky cobalt lilac plum burgundy coral blush mustard charcoal stone indigo',
);

export const sizes = list('XXS XS S M L XL XXL 34 36 38 40 42 44');

export const materials = list(
  'organic_cotton merino_wool linen recycled_polyester denim silk cashmere lyocell corduroy flannel jersey hemp alpaca leather viscose twill',
);

export const styles = list(
  'slim relaxed oversized cropped pleated quilted ribbed striped checked embroidered padded wide-leg high-waisted double-breasted hooded reversible',
);

export const garments = list(`
  T-shirt shirt blouse polo jumper cardigan hoodie sweatshirt dress jumpsuit skirt jeans chinos shorts leggings trousers blazer coat parka raincoat trench_coat
  jacket gilet scarf beanie belt socks boots trainers sandals bag
`);

export const departments = list("Women Men Kids Baby Sport Shoes Accessories Sale Café's_choice Outlet");

/** Sentences of reviews and descriptions are one of each, joined by spaces. */
export const openings = list(`
  Honestly Overall At_first Surprisingly After_two_washes For_this_price To_be_fair As_always My_daughter_says Last_winter On_holiday Compared_with_the_picture In_daylight
  Straight_out_of_the_box According_to_my_tailor Once_again Sadly Luckily Three_weeks_later Without_a_doubt If_you_ask_me Still Every_morning So_far
`);

export const subjects = list(`
  the_fabric the_fit the_colour this_one the_zip the_stitching the_waistband the_lining the_sleeve the_hem the_parcel customer_service the_size_chart the_button the_pocket
  the_whole_outfit the_collar the_packaging delivery the_return the_seam the_print
`);

export const verbs = list(`
  feels looks turned_out is was stays became seems has_been held_up_and_is never_was could_be should_have_been arrived
`);

export const adjectives = list(`
  lovely softer_than_expected a_little_stiff much_too_small true_to_size perfect faded crooked warm breathable itchy elegant worth_every_cent rather_thin well_made
  loose_after_a_day exactly_as_shown a_bit_darker late on_time “just_right” gorgeous_😍 disappointing 100%_my_style flattering shrunken wrinkled sturdy
`);

export const endings = list(`
  and_I_would_buy_it_again. but_my_sister_loves_it. –_five_stars! so_it_went_back. even_at_the_office. and_nobody_noticed. which_is_a_pity. thanks_to_the_friendly_team!
  ,_really. after_all_these_years. for_the_beach. with_jeans. when_it_rains. and_it's_already_my_second. ,_\\o/ despite_the_weather. in_spite_of_the_tag_(40°). …
`);

export const browsers = list('Firefox Chrome Safari Edge Opera Samsung_Internet');

export const referrers = list(
  'google.com bing.com instagram.com newsletter facebook.com pinterest.com duckduckgo.com partner',
);

function list(text: string): string[] {
  return text
    .trim()
    .split(/\s+/)
    .map((word) => word.replaceAll('_', ' '));
}
