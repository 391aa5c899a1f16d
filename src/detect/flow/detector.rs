//! Flows as a detector: catalogs and rules in, findings out.

use super::catalog::Classes;
use super::catalog::load::Catalogs;
use super::catalog::schema::Trust;
use super::{Flows, engine, finding, lower};
use crate::detect::overlap::Settled;
use crate::detect::rules::matcher::RuleDetector;
use crate::detect::rules::schema::FlowRule;
use crate::detect::rules::{RuleError, RuleSet};
use crate::detect::{Context, Detections, Detector, gap};
use crate::finding::GapKind;
use crate::redact::Redactor;
use crate::syntax::SourceFile;
use crate::syntax::language::Language;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Follows data through files.
#[derive(Debug)]
pub struct FlowDetector<'a> {
    /// The rules, those about flows among them.
    pub rules: &'a RuleSet,
    /// The catalogs of the same rule set.
    pub catalogs: &'a Catalogs,
}

impl FlowDetector<'_> {
    /// Says whether data that a class of weakness is about reaches a place where it does harm; parameters and hints do not count.
    /// For the examples of catalogs, which may speak of a class that has no rule.
    ///
    /// # Errors
    /// [`RuleError`] where a catalog cannot be read.
    pub fn finds(&self, file: &SourceFile, class: &str, context: Context<'_>) -> Result<bool, RuleError> {
        let flows = self.flows(file, context)?.flows;
        Ok(flows.iter().any(|flow| flow.class == class && !flow.hint && flow.trust != Trust::Parameter))
    }

    /// Says whether a text of a language may take in data from outside; where that cannot be told, it may.
    pub fn may_receive(&self, language: Language, text: &str) -> bool {
        let rules = self.rules.flow_rules(language);
        let index = rules.and_then(|rules| self.catalogs.index(language, rules));
        index.map_or(true, |catalog| catalog.may_receive(text))
    }

    fn flows(&self, file: &SourceFile, context: Context<'_>) -> Result<Flows, RuleError> {
        let catalog = self.catalogs.index(file.language, self.rules.flow_rules(file.language)?)?;
        let module = lower::lower(file);
        Ok(engine::run(file, &module, catalog, context))
    }
}

impl FlowDetector<'_> {
    /// Returns the places that flows settle, with the weaknesses that the rules of their classes name.
    fn settled(
        &self,
        flows: &Flows,
        file: &SourceFile,
        wanted: &[(usize, FlowRule)],
    ) -> Result<Vec<Settled>, RuleError> {
        if flows.settled.is_empty() {
            return Ok(Vec::new());
        }
        let catalog = self.catalogs.index(file.language, wanted)?;
        let mut named: HashMap<Classes, Arc<BTreeSet<String>>> = HashMap::new();
        let mut settled = Vec::with_capacity(flows.settled.len());
        for place in &flows.settled {
            let cwe = match named.get(&place.classes) {
                Some(cwe) => cwe.clone(),
                None => {
                    let classes = catalog.names_of(place.classes);
                    let mut all = BTreeSet::new();
                    for (number, _) in wanted.iter().filter(|(_, rule)| classes.contains(&rule.class)) {
                        all.extend(self.rules.file(*number)?.cwe.iter().cloned());
                    }
                    named.entry(place.classes).or_insert(Arc::new(all)).clone()
                }
            };
            let range = place.range.0 as usize..place.range.1 as usize;
            settled.push(Settled { range, cwe, harm: place.harm, is_sink: place.is_sink });
        }
        Ok(settled)
    }

    /// Returns the secrets of the files that flows lead through, which rules tell: an imported file may be no part of
    /// what is analysed. `None` where they cannot be told.
    fn secrets(&self, flows: &Flows, file: &SourceFile, context: Context<'_>) -> Option<Redactor> {
        let matcher = RuleDetector { rules: self.rules };
        let numbers: BTreeSet<usize> = flows.flows.iter().flat_map(|f| &f.steps).map(|step| step.file).collect();
        let mut secrets = Redactor::default();
        for file in numbers.into_iter().filter_map(|number| finding::file_of(flows, file, number)) {
            let detections = matcher.detect(file, context);
            if !detections.gaps.is_empty() {
                return None;
            }
            secrets.merge(detections.redactor);
        }
        Some(secrets)
    }
}

impl Detector for FlowDetector<'_> {
    fn detect(&self, file: &SourceFile, context: Context<'_>) -> Detections {
        let found = self.rules.flow_rules(file.language).and_then(|rules| {
            if rules.is_empty() {
                return Ok(Detections::default());
            }
            let flows = self.flows(file, context)?;
            let secrets = self.secrets(&flows, file, context);
            let findings = finding::of(&flows, file, self.rules, rules, secrets.as_ref())?;
            let settled = self.settled(&flows, file, rules)?;
            let late = flows.incomplete.into_iter().map(|why| gap(GapKind::Time, &file.path, why));
            Ok(Detections { findings, gaps: late.collect(), redactor: secrets.unwrap_or_default(), settled })
        });
        found.unwrap_or_else(|error| Detections {
            gaps: vec![gap(GapKind::Environment, &file.path, error.to_string())],
            ..Detections::default()
        })
    }
}
