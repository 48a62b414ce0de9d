"""Finding rows by words of theirs: each word asked for has to begin one of the row's.

The index of a table is over the very text that a search asks about, so both are written here once.
"""

CHARS_MAX = 500  # of a text are looked through: no word may be longer than PostgreSQL takes

_APART = r"(\W|_)+"
# A number is also found by its digits without the noughts that fill it up.
_NUMBER = r"{0} || ' ' || regexp_replace({0}, '(^|\W|_)0+', '\1', 'g')"


def words_of(text: str) -> str:
    """The words of an SQL text, as an index keeps them and a search asks for them."""
    split = f"regexp_split_to_array(lower(left({text}, {CHARS_MAX})), '{_APART}')"
    return f"array_to_tsvector(array_remove({split}, ''))"


def of_customer(table: str = "") -> str:
    """What a customer or vendor is found by: name and address. `table` is its alias, with a dot."""
    return words_of(f"coalesce({table}name, '') || ' ' || coalesce({table}email, '')")


def of_number(column: str) -> str:
    """What a document is found by."""
    return words_of(_NUMBER.format(column))


def of_prepayment(table: str = "") -> str:
    """What a prepayment is found by: its code, and what the vendor calls it."""
    return of_number(f"({table}code || ' ' || coalesce({table}reference, ''))")


def of_payer(table: str = "") -> str:
    """What a payment is found by: the name and address that its payer gave."""
    payer = f"{table}facts -> 'payer'"
    return words_of(
        f"coalesce({payer} -> 'name' ->> 1, '') || ' ' || coalesce({payer} -> 'email' ->> 1, '')"
    )


# What was typed, as a question to such words; nothing where it has none.
ASKED = f"""select string_agg(quote_literal(word) || ':*', ' & ')
    from unnest(regexp_split_to_array(lower(:typed), '{_APART}')) word where word <> ''"""
