//! Values of the crawl's options, as a person types them.

use std::time::Duration;

use canter_aws::TICK;
use canter_core::pace::Rate;

/// A rate, or none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rps(pub Option<Rate>);

pub fn rps(text: &str) -> Result<Rps, String> {
    if text == "unlimited" {
        return Ok(Rps(None));
    }
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    Rate::new(number)
        .map(|rate| Rps(Some(rate)))
        .ok_or_else(|| {
            format!(
                "a rate lies between {} and {}; \"unlimited\" is for a server of your own",
                Rate::MIN,
                Rate::MAX
            )
        })
}

pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        other => {
            return Err(format!(
                "{other:?} is no unit of time: use ms, s, m, h or d"
            ));
        }
    };
    let number: f64 = digits.parse().map_err(|_| "not a time: write 90s or 10m")?;
    Duration::try_from_secs_f64(number * unit)
        .ok()
        .filter(|span| !span.is_zero())
        .ok_or_else(|| "a time must be more than nothing".to_owned())
}

/// An interval at which a stack refreshes a site.
pub fn every(text: &str) -> Result<Duration, String> {
    let interval = duration(text)?;
    (interval >= TICK)
        .then_some(interval)
        .ok_or_else(|| "a stack looks once an hour for what is due: 1h or more".to_owned())
}

/// A share in percent.
pub fn percent(text: &str) -> Result<f64, String> {
    let number: f64 = text
        .trim_end_matches('%')
        .parse()
        .map_err(|_| "not a number".to_owned())?;
    let fine = (0.0..=100.0).contains(&number);
    fine.then_some(number)
        .ok_or_else(|| "a share lies between 0 and 100 percent".to_owned())
}

pub fn bytes(text: &str) -> Result<usize, String> {
    let digits = text.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    let unit = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        other => return Err(format!("{other:?} is no unit of size: use k or M")),
    };
    digits
        .parse::<usize>()
        .ok()
        .and_then(|number| number.checked_mul(unit))
        .filter(|bytes| (1..=1 << 30).contains(bytes))
        .ok_or_else(|| "not a size up to 1024M: write 500k or 10M".to_owned())
}

pub fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or("a header is written NAME:VALUE")?;
    let (name, value) = (name.trim(), value.trim());
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(token) {
        return Err(format!("{name:?} is no name of a header"));
    }
    Ok((name.to_owned(), header_text(value)?))
}

pub fn header_text(text: &str) -> Result<String, String> {
    let fine = !text.is_empty() && text.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    fine.then(|| text.to_owned())
        .ok_or_else(|| "what is sent in a header is one line of ASCII".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        assert_eq!(rps("unlimited"), Ok(Rps(None)));
        assert_eq!(rps("0.1"), Ok(Rps(Rate::new(0.1))));
        for bad in ["0", "-1", "ten", "inf", "NaN", "1e9", ""] {
            assert!(rps(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn times() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("1.5h"), Ok(Duration::from_secs(5400)));
        for bad in ["", "s", "0s", "-1s", "5 years", "1e400"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn intervals() {
        assert_eq!(every("1h"), Ok(Duration::from_secs(3_600)));
        assert_eq!(every("7d"), Ok(Duration::from_secs(604_800)));
        for bad in ["59m", "daily", "0"] {
            assert!(every(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(bytes("500k"), Ok(512_000));
        assert_eq!(bytes("10M"), Ok(10 << 20));
        for bad in ["", "0", "k", "2G", "99999999999999999999"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn headers() {
        let fine = ("Authorization".to_owned(), "Bearer a:b".to_owned());
        assert_eq!(header("Authorization: Bearer a:b"), Ok(fine));
        for bad in ["", "no colon", ": v", "na me: v", "a: b\r\nc: d", "a: ü"] {
            assert!(header(bad).is_err(), "{bad}");
        }
    }
}
