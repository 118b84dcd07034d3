//! What longwire says to people, in two languages.
