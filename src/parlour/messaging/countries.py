"""The country of a phone number."""


def country_of(phone_number: str) -> str | None:
    """Return the ISO 3166-1 alpha-2 code of a number's country; of a shared country code its main country."""
    import phonenumbers

    try:
        number = phonenumbers.parse(phone_number)
    except phonenumbers.NumberParseException:
        return None
    region = phonenumbers.region_code_for_number(number)
    region = region or phonenumbers.region_code_for_country_code(number.country_code or 0)
    return str(region) if region and region != "ZZ" else None
